"""Live capture on a real cable between two namespaces."""

import fcntl
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial

import pytest
from cable import FAR_MAC, FAR_V4, FAR_V6, NEAR_MAC, NEAR_V4, NEAR_V6, Cable, cable, ip, wait_until
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether

from monitor.capture.live import LiveCapture
from monitor.errors import MachineError
from monitor.model import Frame

pytestmark = pytest.mark.netns

ETHER = Ether(src=FAR_MAC, dst=NEAR_MAC)
QUESTION = bytes(ETHER / IP(src=FAR_V4, dst=NEAR_V4) / UDP(sport=4000, dport=53) / DNS(qd=DNSQR(qname="tiktok.com")))
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@pytest.fixture(scope="module")
def wire() -> Iterator[Cable]:
    with cable() as ends:
        yield ends


def opened(wire: Cable, *names: str, counting: bool = False) -> LiveCapture:
    capture = LiveCapture(names or ("v0",), counting)
    wire.near.inside(capture.open)
    return capture


def every(frame: Frame) -> bool:
    return True


def collect(capture: LiveCapture, count: int, keep: Callable[[Frame], bool] = every) -> list[Frame]:
    """At least `count` frames that `keep` likes, and what comes with them."""
    frames: list[Frame] = []

    def enough() -> bool:
        frames.extend(frame for frame in capture.read() if keep(frame))
        return len(frames) >= count

    wait_until(enough)
    threading.Event().wait(0.02)
    enough()
    return frames


def test_names_of_both_directions_once(wire: Cable) -> None:
    answer = bytes(
        Ether(src=NEAR_MAC, dst=FAR_MAC) / IP(src=NEAR_V4, dst=FAR_V4) / UDP(sport=53, dport=4000) / DNS(qr=1)
    )
    with closing(opened(wire)) as capture:
        wire.send_frames([QUESTION] * 3)
        wire.send_frames([answer] * 2, "near")
        frames = collect(capture, 5, lambda frame: frame.data in (QUESTION, answer))
        assert [frame.data for frame in frames] == [QUESTION] * 3 + [answer] * 2
        assert [frame.link for frame in frames] == [1] * 5
        assert sorted({frame.number for frame in frames}) == [frame.number for frame in frames]
        assert frames[0].length == len(QUESTION)
        assert capture.counts()["v0"].frames >= 5
        assert capture.counts()["v0"].bytes >= 3 * len(QUESTION) + 2 * len(answer)
        assert capture.counts()["v0"].dropped == 0


def test_hello_and_its_second_segment_but_no_download(wire: Cable) -> None:
    up = ETHER / IPv6(src=FAR_V6, dst=NEAR_V6)
    frames = [
        bytes(up / TCP(sport=50000, dport=443, flags="S", seq=100)),
        bytes(up / TCP(sport=50000, dport=443, flags="A", seq=101) / (HELLO + bytes(1400))),
        bytes(up / TCP(sport=50000, dport=443, flags="PA", seq=1512) / bytes(300)),
        bytes(up / TCP(sport=50000, dport=443, flags="PA", seq=500_000) / b"upload"),
        bytes(up / TCP(sport=443, dport=50000, flags="PA", seq=1) / bytes(1000)),
    ]
    with closing(opened(wire)) as capture:
        wire.send_frames(frames)
        assert [frame.data for frame in collect(capture, 3, is_tcp_v6)] == frames[:3]


def is_tcp_v6(frame: Frame) -> bool:
    return frame.data[12:14] == b"\x86\xdd" and frame.data[20] == 6


def test_vlan_tag_from_the_metadata(wire: Cable) -> None:
    """The kernel takes the outer tag out of a frame that arrives; of two the inner one stays in it."""
    inside = IP(src=FAR_V4, dst=NEAR_V4) / UDP(sport=4001, dport=53) / DNS(qd=DNSQR(qname="tagged.example"))
    hello = IP(src=FAR_V4, dst=NEAR_V4) / TCP(sport=50002, dport=443, flags="A") / HELLO
    sent = [
        bytes(ETHER / Dot1Q(vlan=77) / inside),
        bytes(ETHER / Dot1AD(vlan=9) / Dot1Q(vlan=78) / inside),
        bytes(ETHER / Dot1Q(vlan=79, prio=4) / hello),
    ]
    with closing(opened(wire)) as capture:
        wire.send_frames(sent)
        frames = collect(capture, 3, lambda frame: frame.vlan > 0)
        assert [(frame.vlan, frame.data[12:14]) for frame in frames] == [
            (77, b"\x08\0"),
            (9, b"\x81\0"),
            (79, b"\x08\0"),
        ]
        assert frames[0].data == sent[0][:12] + sent[0][16:]


@pytest.mark.parametrize("counting", [False, True])
def test_an_interface_whose_vlans_are_watched_leaves_theirs_to_them(wire: Cable, counting: bool) -> None:
    """For received and sent frames; a tag with only a priority belongs to no VLAN."""
    inside = IP(src=FAR_V4, dst=NEAR_V4) / UDP(sport=4001, dport=53) / DNS(qd=DNSQR(qname="tagged.example"))
    hello = IP(src=FAR_V4, dst=NEAR_V4) / TCP(sport=50004, dport=443, flags="A") / HELLO
    away = Ether(src=NEAR_MAC, dst=FAR_MAC)
    tagged = [bytes(tag / what) for tag in (ETHER / Dot1Q(vlan=77), ETHER / Dot1AD(vlan=9)) for what in (inside, hello)]
    with closing(opened(wire, counting=counting)) as capture:
        wire.near.inside(lambda: capture.watch(["v0"], {"v0"}))
        wire.send_frames([*tagged, bytes(ETHER / Dot1Q(vlan=0, prio=5) / inside), QUESTION])
        wire.send_frames([bytes(away / Dot1Q(vlan=80) / hello), bytes(away / hello)], "near")
        ours = (0x0800, 0x8100, 0x88A8)
        frames = collect(capture, 3, lambda frame: int.from_bytes(frame.data[12:14], "big") in ours)
        assert {frame.vlan for frame in frames} == {0}
        assert {frame.data[12:14] for frame in frames} == {b"\x08\0"}
        wire.near.inside(lambda: capture.watch(["v0"]))
        wire.send_frames(tagged)
        assert [frame.vlan for frame in collect(capture, 4, lambda frame: frame.vlan > 0)] == [77, 77, 9, 9]


def test_tags_that_leave_are_in_the_frame(wire: Cable) -> None:
    hello = IP(src=FAR_V4, dst=NEAR_V4) / TCP(sport=50003, dport=443, flags="A") / HELLO
    sent = bytes(Ether(src=NEAR_MAC, dst=FAR_MAC) / Dot1Q(vlan=80, prio=2) / hello)
    with closing(opened(wire)) as capture:
        wire.send_frames([sent], "near")
        assert collect(capture, 1, lambda frame: frame.data == sent)


def test_counting_takes_every_packet_but_not_all_of_it(wire: Cable) -> None:
    ping = bytes(ETHER / IP(src=FAR_V4, dst=NEAR_V4, proto=1) / bytes(1400))
    with closing(opened(wire, counting=True)) as capture:
        wire.send_frames([QUESTION, ping])
        frames = collect(capture, 2, lambda frame: frame.data[:34] in (QUESTION[:34], ping[:34]))
        assert sorted((frame.length, len(frame.data)) for frame in frames) == [(len(QUESTION),) * 2, (len(ping), 192)]


def test_merged_frames_arrive_whole(wire: Cable) -> None:
    """A resolver's long answer over TCP leaves as one frame of more than 60 KB; the kernel cuts it up later."""
    with closing(opened(wire)) as capture:
        server = wire.near.inside(lambda: socket.create_server((NEAR_V4, 53)))
        client = wire.far.inside(lambda: socket.create_connection((NEAR_V4, 53)))
        with server, client:
            connection, _ = server.accept()
            with connection:
                connection.sendall(bytes(300_000))
                received = 0
                while received < 300_000:
                    received += len(client.recv(65_536))
        frames = capture.read()
        assert max(len(frame.data) for frame in frames) > 40_000
        assert sum(len(frame.data) - 66 for frame in frames if frame.data[34:36] == b"\0\x35") >= 300_000
        assert capture.counts()["v0"].dropped == 0


def test_loopback_counts_once(wire: Cable) -> None:
    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(b"loopback question", ("127.0.0.1", 53))

    with closing(opened(wire, "lo")) as capture:
        wire.near.inside(send)
        frames = collect(capture, 1, lambda frame: frame.data[23] == 17)
        assert [frame.data[42:] for frame in frames] == [b"loopback question"]


def test_a_link_without_ethernet(wire: Cable) -> None:
    """A tun device's frames begin with the IP header, and have the link type raw IP."""
    tun = wire.near.inside(lambda: Tun("gwtun"))
    with closing(tun):
        ip(f"-n {wire.near.name} link set gwtun up")
        with closing(opened(wire, "gwtun")) as capture:
            packet = bytes(
                IP(src="10.77.0.2", dst="10.77.0.1") / UDP(sport=4000, dport=53) / DNS(qd=DNSQR(qname="a.b"))
            )
            tun.write(packet)
            frames = collect(capture, 1, lambda frame: frame.data[9] == 17)
            assert [(frame.link, frame.data) for frame in frames] == [(101, packet)]


class Tun:
    def __init__(self, name: str) -> None:
        self._file = open("/dev/net/tun", "r+b", buffering=0)  # noqa: SIM115
        fcntl.ioctl(self._file, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1001))  # IFF_TUN | IFF_NO_PI

    def write(self, packet: bytes) -> None:
        self._file.write(packet)

    def close(self) -> None:
        self._file.close()


def test_an_interface_goes_down_and_comes_back(wire: Cable) -> None:
    with closing(opened(wire)) as capture:
        near = wire.near.name
        ip(f"-n {near} link set v0 down")
        assert wire.near.inside(capture.down) == ["v0"]
        capture.read()
        assert wire.near.inside(capture.refresh) == []
        ip(f"-n {near} link set v0 up")
        wire.send_frames([QUESTION])
        assert collect(capture, 1, lambda frame: frame.data == QUESTION)
        assert wire.near.inside(capture.down) == []


def test_an_interface_disappears_and_another_of_its_name_appears() -> None:
    with cable() as ends, closing(opened(ends)) as capture:
        ends.send_frames([QUESTION])
        before = len(collect(capture, 1))
        ip(f"-n {ends.near.name} link del v0")
        assert ends.near.inside(capture.refresh) == ["interface v0 is gone"]
        assert capture.filenos() == []
        assert capture.read() == []
        assert ends.near.inside(capture.down) == ["v0"]
        ends.connect()
        assert ends.near.inside(capture.refresh) == ["interface v0 is captured again"]
        ends.send_frames([QUESTION])
        assert collect(capture, 1, lambda frame: frame.data == QUESTION)
        assert capture.counts()["v0"].frames > before


def test_frames_that_nobody_reads_are_counted(wire: Cable) -> None:
    gre = bytes(ETHER / IP(src=FAR_V4, dst=NEAR_V4, proto=47) / bytes(1400))
    with closing(opened(wire)) as capture:

        def question_arrives() -> bool:
            wire.send_frames([QUESTION])
            return any(frame.data == QUESTION for frame in capture.read())

        wire.send_frames([gre] * 2_000)
        assert capture.counts()["v0"].dropped > 100
        # What the kernel still holds in the backlog of the cable is in front of this question.
        wait_until(question_arrives)
        dropped = capture.counts()["v0"].dropped
        wire.send_frames([QUESTION])
        assert collect(capture, 1, lambda frame: frame.data == QUESTION)
        assert capture.counts()["v0"].dropped == dropped


def test_a_missing_interface_is_one_clear_line(wire: Cable) -> None:
    with pytest.raises(MachineError, match=r"^interface br-lan does not exist; there are lo, v0"):
        opened(wire, "v0", "br-lan")


UPLOAD_BYTES = 100_000_000


def test_a_line_rate_upload_starves_neither_names_nor_hellos(wire: Cable) -> None:
    """While an upload fills the cable, every question and every hello (of two segments) comes through."""
    server = wire.near.inside(lambda: socket.create_server((NEAR_V4, 443)))
    uploader = wire.far.inside(lambda: socket.create_connection((NEAR_V4, 443)))
    connection, _ = server.accept()
    stop = threading.Event()
    moved = [0]

    def upload() -> None:
        block = bytes(1 << 20)
        with suppress(OSError):  # shut down at the end
            while not stop.is_set():
                uploader.sendall(block)

    def drink() -> None:
        while data := connection.recv(1 << 20):
            moved[0] += len(data)

    rounds = 150
    up = ETHER / IP(src=FAR_V4, dst=NEAR_V4)
    small = []
    for number in range(rounds):
        tcp = TCP(sport=20_000 + number, dport=443, flags="A", seq=1000)
        small.append(bytes(up / UDP(sport=20_000 + number, dport=53) / DNS(qd=DNSQR(qname="tiktok.com"))))
        small.append(bytes(up / tcp / (HELLO + bytes(1400))))
        tcp.seq = 1000 + 1411
        small.append(bytes(up / tcp / b"second segment"))
    with closing(opened(wire)) as capture, server, uploader, connection:
        threads = [threading.Thread(target=upload), threading.Thread(target=drink)]
        for thread in threads:
            thread.start()
        frames: list[Frame] = []

        def uploaded_and_read(amount: int) -> bool:
            frames.extend(capture.read())
            return moved[0] >= amount

        try:
            for at in range(0, len(small), 3):
                wait_until(partial(uploaded_and_read, at * UPLOAD_BYTES // len(small)))
                wire.send_frames(small[at : at + 3])
                frames += capture.read()
            seen: set[bytes] = set()

            def all_there() -> bool:
                frames.extend(capture.read())
                seen.update(frame.data for frame in frames)
                return seen.issuperset(small)

            wait_until(all_there)
        finally:
            stop.set()
            uploader.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
        assert moved[0] >= UPLOAD_BYTES * (rounds - 1) // rounds
        assert capture.counts()["v0"].dropped == 0
