"""Finds search paths and folders of the build machine in the package's files, which must not contain any."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path


def search_paths(libraries: list[Path]) -> Iterator[str]:
    """Returns a line for each RPATH or RUNPATH (System V ABI, chapter 5) that does not start at the library's folder.

    Nothing without binutils' `readelf`.
    """
    if not libraries or not shutil.which("readelf"):
        return
    command = ["readelf", "--dynamic", "--wide", *map(str, libraries)]
    file = str(libraries[0])
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        if line.startswith("File: "):
            file = line.removeprefix("File: ")
        elif "(RPATH)" in line or "(RUNPATH)" in line:
            path = line[line.index("[") + 1 : line.rindex("]")]
            if not all(part.startswith("$ORIGIN") for part in path.split(":")):
                yield f"{file}: searches libraries in {path}"


def traces(files: list[Path], folders: tuple[str, ...]) -> Iterator[str]:
    """Returns a line for each file that contains the path of one of these folders of the build machine."""
    for file in files:
        data = file.read_bytes()
        for folder in folders:
            if folder.encode() in data:
                yield f"{file}: holds the path {folder}"
