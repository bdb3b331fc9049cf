"""Merges several capture files into one timeline: tcpdump -C and dumpcap split a capture into files.

Files that do not overlap are read one after the other, in chunks; overlapping files are merged by the time of each
frame.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from monitor.capture.file import CaptureFile
from monitor.errors import CaptureFileError
from monitor.model import FILE_SHIFT, Frame


class CapturePart:
    """One file of a timeline: `frames` is the number of frames returned so far, `refusal` why the file could not be
    read.
    """

    def __init__(self, file: CaptureFile, index: int) -> None:
        self.file = file
        self.index = index
        self.frames = 0
        self.refusal = ""
        self._batches = file.batches()
        self._batch: list[Frame] = []
        self._at = 0
        self._interfaces: list[int] = []

    def advance(self, names: list[str]) -> bool:
        """Reads the next batch when the last one is used up; returns false at the end. `names` are all files'
        interfaces.
        """
        if self._at < len(self._batch):
            return True
        self._at = 0
        try:
            self._batch = next(self._batches, [])
        except CaptureFileError as error:
            self._batch = []
            self.refusal = str(error)
        for name in self.file.interfaces[len(self._interfaces) :]:
            if name not in names:
                names.append(name)
            self._interfaces.append(names.index(name))
        if self.index or self._interfaces != list(range(len(self._interfaces))):
            self._renumber()
        return bool(self._batch)

    def _renumber(self) -> None:
        """Gives the frames of a further file their own numbers and the interface indexes of the whole timeline."""
        for frame in self._batch:
            frame.number |= self.index << FILE_SHIFT
            if frame.interface < len(self._interfaces):
                frame.interface = self._interfaces[frame.interface]

    def time(self) -> float:
        """Returns the time of the next frame."""
        return self._batch[self._at].time

    def take(self, until: float) -> list[Frame]:
        """Returns the next frame and the frames of the batch that are not later than `until`."""
        start = self._at
        if start == 0 and self._batch[-1].time <= until:
            self._at = len(self._batch)
            taken = self._batch
        else:
            self._at += 1
            while self._at < len(self._batch) and self._batch[self._at].time <= until:
                self._at += 1
            taken = self._batch[start : self._at]
        self.frames += len(taken)
        return taken


class Timeline:
    """Yields the frames of all files in the order of time; iterate over `batches()` once.

    `Frame.number` has the index of the file above `FILE_SHIFT` bits, `Frame.interface` indexes `interfaces`.
    """

    def __init__(self, files: list[CaptureFile]) -> None:
        self.parts = [CapturePart(file, index) for index, file in enumerate(files)]
        self.interfaces: list[str] = []
        self.path = files[0].path

    @property
    def bytes_read(self) -> int:
        return sum(part.file.bytes_read for part in self.parts)

    @property
    def bytes_total(self) -> int:
        """Returns the total size, 0 if the size of a file is unknown."""
        sizes = [part.file.bytes_total for part in self.parts]
        return sum(sizes) if all(sizes) else 0

    def batches(self) -> Iterator[list[Frame]]:
        """Yields batches of frames. A file that cannot be read is left out, with the reason in its `refusal`."""
        waiting = [(part.time(), part.index) for part in self.parts if part.advance(self.interfaces)]
        heapify(waiting)
        while waiting:
            _, index = heappop(waiting)
            part = self.parts[index]
            self.path = part.file.path
            yield part.take(waiting[0][0] if waiting else float("inf"))
            if part.advance(self.interfaces):
                heappush(waiting, (part.time(), index))
