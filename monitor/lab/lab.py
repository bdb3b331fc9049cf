"""The lab as a context manager: `with Lab(Plan()) as lab:` creates the network."""

import subprocess
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pyroute2.netlink.exceptions import NetlinkError

from monitor.errors import MachineError
from monitor.lab.capture import TcpdumpCapture
from monitor.lab.child import Child, environment, python_module
from monitor.lab.client import Client
from monitor.lab.gateway import LabDaemon
from monitor.lab.leftovers import LabLock, remove_leftovers
from monitor.lab.namespace import Namespace
from monitor.lab.network import Wires, wire
from monitor.lab.plan import RESOLVER_CLIENT, RESOLVER_V4, Plan
from monitor.lab.requirements import require

# Below the range from which the kernel chooses ports.
FIRST_PORT: Final = 20_000


class Lab:
    """A gateway, its clients and their internet, for the duration of the context.

    `gateway` and `internet` are namespaces, `clients` maps names to clients, and `daemons` are all started ones.
    `folder` contains logs and captures and is deleted with the lab. Raises `MachineError`, with a one-line message
    about what is missing.
    """

    def __init__(self, plan: Plan | None = None) -> None:
        self.plan = plan or Plan()
        self.clients: dict[str, Client] = {}
        self._children: list[Child] = []
        self.daemons: list[LabDaemon] = []

    def __enter__(self) -> Self:
        require()
        remove_leftovers()
        self._claim = LabLock()
        try:
            self._build()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        try:
            for daemon in self.daemons:
                daemon.stop()
            for child in self._children:
                child.stop()
        finally:
            self._claim.release()

    @property
    def folder(self) -> Path:
        return self._claim.folder

    @property
    def id(self) -> str:
        return self._claim.id

    @property
    def gateway(self) -> Namespace:
        return self._wires.gateway

    @property
    def internet(self) -> Namespace:
        return self._wires.internet

    def client(self, name: str) -> Client:
        return self.clients[name]

    def capture(self, interface: str = "") -> TcpdumpCapture:
        """Starts tcpdump on an interface of the gateway, by default on that of the first LAN."""
        capture = TcpdumpCapture(self.gateway, interface or self.plan.lans[0].interface, self.folder)
        self._children.append(capture.child)
        return capture

    def daemon(
        self, configuration: str = "", arguments: tuple[str, ...] = (), through: tuple[str, ...] = ()
    ) -> LabDaemon:
        """Starts the real daemon on the gateway. `configuration` is TOML in addition to what the lab must set.

        `through` is prepended to its command: a program that starts it with fewer privileges than root has.
        """
        folder = self.folder / f"daemon-{len(self.daemons)}"
        daemon = LabDaemon(self.gateway, folder, configuration, arguments, through)
        self.daemons.append(daemon)
        daemon.start()
        return daemon

    def _build(self) -> None:
        zone = self.folder / "zone"
        zone.write_text(self.plan.zone)
        issuing = subprocess.Popen(
            python_module("monitor.lab.programs.certificates", str(self.folder), "--zone", str(zone)), env=environment()
        )
        try:
            self._wires: Wires = wire(self.plan, self._claim)
        except (OSError, NetlinkError) as error:
            raise MachineError(f"lab: this kernel refuses part of the network: {error}") from error
        finally:
            issued = issuing.wait()
        if issued != 0:
            raise MachineError("lab: could not make certificates")
        ports = count(FIRST_PORT)
        for name in self._wires.clients:
            self.clients[name] = Client(name, self._wires, self.folder, ports, self._children)
        self._start_servers(zone)

    def _start_servers(self, zone: Path) -> None:
        """Starts all servers; each is listening when this returns."""
        certified = ("--certificates", str(self.folder))
        delayed = ("--delay", str(self.plan.server_delay_s))
        servers = [
            self._serve("resolver", self.internet, "--zone", str(zone), *delayed, *certified),
            self._serve("web", self.internet, "--zone", str(zone), *delayed, *certified),
            self._serve("quic_server", self.internet, *delayed, *certified),
        ]
        if self.plan.resolver != "internet":
            at_home = self.gateway if self.plan.resolver == "gateway" else self._wires.clients[RESOLVER_CLIENT]
            servers.append(self._serve("resolver", at_home, "--forward", RESOLVER_V4))
        for server in servers:
            server.wait_ready()

    def _serve(self, name: str, namespace: Namespace, *arguments: str) -> Child:
        log = self.folder / f"{name}-{len(self._children)}.log"
        child = Child(namespace, python_module(f"monitor.lab.programs.{name}", *arguments), log, piped=True)
        self._children.append(child)
        return child
