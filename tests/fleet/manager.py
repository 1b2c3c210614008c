"""Bring the fleet up, share it, and take it down when the last who asked for it lets go.

Molecule and pytest use the same fleet in one ``make test``. Each names itself as an *owner* when it brings the fleet
up; ``release`` forgets an owner, and the fleet goes when none is left. A pytest session that died is no owner any more.
"""

import contextlib
import datetime as dt
import fcntl
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.fleet import images, inventory, payload
from tests.fleet.engine import FleetError, podman, say
from tests.fleet.host import Host
from tests.fleet.payload import Facts, Paths
from tests.fleet.settings import fleet_name, inventory_dir, run_dir

Payload = Callable[[Paths, str, dt.datetime], tuple[str, Facts]]
# name: payload, the account of the inventory, last octet of the address
HOSTS: dict[str, tuple[Payload, str, int]] = {
    "vps": (payload.vps, "laman", 10),
    "shared": (payload.shared, "agency", 11),
}
# Posts, logs and certificates are dated back from the start; after this long their ages in days are no longer true.
FRESH = dt.timedelta(hours=12)


class Fleet:
    """The running hosts, and where Ansible finds them."""

    def __init__(self, state: dict[str, Any]) -> None:
        """From the state that ``up`` wrote."""
        self._images: dict[str, str] = state["images"]
        self.hosts = {name: Host(run_dir=run_dir(), **host) for name, host in state["hosts"].items()}
        self.inventory_dir = inventory_dir()
        self.key = Paths(run_dir()).key
        self.known_hosts = Paths(run_dir()).known_hosts

    @property
    def vps(self) -> Host:
        """The virtual server with WordPress."""
        return self.hosts["vps"]

    @property
    def shared(self) -> Host:
        """The shared hosting account without Python."""
        return self.hosts["shared"]

    def renew(self, name: str) -> Host:
        """Make a host new, as it was after ``up``: for tests that damage what others rely on. Takes a second."""
        host = self.hosts[name]
        podman("rm", "--force", "--time", "0", host.container)
        _run_container(name, host.address, self._images[name])
        host.wait()
        return host


def _state_file() -> Path:
    return run_dir() / "fleet.json"


def _read_state() -> dict[str, Any] | None:
    if not _state_file().is_file():
        return None
    state: dict[str, Any] = json.loads(_state_file().read_text(encoding="utf-8"))
    return state


def _write_state(state: dict[str, Any]) -> None:
    part = _state_file().with_suffix(".part")
    part.write_text(json.dumps(state, indent=2), encoding="utf-8")
    part.rename(_state_file())


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """One at a time: molecule and pytest may both want the fleet at once."""
    run_dir().mkdir(parents=True, exist_ok=True)
    with (run_dir() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another run that is bringing the hosts up or down …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _alive(owner: str) -> bool:
    """Owners named ``…-pid-N`` count as long as that process lives; others until they are released."""
    _, separator, pid = owner.rpartition("-pid-")
    return not separator or Path("/proc", pid).is_dir()


def whole(state: dict[str, Any], references: dict[str, str]) -> bool:
    """Whether the fleet of this state is up, made of today's images, not too old, and answers."""
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(state["started"])
    if state["images"] != references or not dt.timedelta(0) <= age < FRESH:
        return False
    containers = [host["container"] for host in state["hosts"].values()]
    try:
        status = podman("inspect", "--format", "{{.State.Status}}", *containers).split()
    except FleetError:
        return False  # a container is gone: the caller makes a new fleet
    return all(word == "running" for word in status) and all(host.answers() for host in Fleet(state).hosts.values())


def _remove() -> None:
    name = fleet_name()
    containers = podman("ps", "--all", "--quiet", "--filter", f"label=fleet={name}").split()
    if containers:
        podman("rm", "--force", "--time", "0", *containers)
    if name in podman("network", "ls", "--format", "{{.Name}}").split():
        podman("network", "rm", "--force", name)
    (inventory_dir() / "hosts.yml").unlink(missing_ok=True)
    _state_file().unlink(missing_ok=True)


def _subnet_prefix(network: str) -> str:
    """First three numbers of the addresses of the network that podman chose."""
    inspected = json.loads(podman("network", "inspect", network))[0]
    subnet: str = inspected["subnets"][0]["subnet"]
    return subnet.rsplit(".", 1)[0]


def _run_container(host: str, address: str, reference: str) -> None:
    fleet, octet = fleet_name(), int(address.rsplit(".", 1)[1])
    podman(
        *("run", "--detach", "--name", f"{fleet}-{host}", "--hostname", host, "--label", f"fleet={fleet}"),
        # One MAC for ever: a host that comes back with another is out of reach for half a minute (neighbour cache).
        *("--network", fleet, "--ip", address, "--mac-address", f"02:00:00:00:00:{octet:02x}"),
        *("--volume", f"{Paths(run_dir()).host(host)}:/fleet:ro,Z", reference),
    )


def _start(references: dict[str, str]) -> dict[str, Any]:
    name, paths, now = fleet_name(), Paths(run_dir()), dt.datetime.now(dt.UTC)
    podman("network", "create", "--disable-dns", name)
    prefix = _subnet_prefix(name)
    payload.authority(paths)
    known, hosts = "", {}
    for host, (make, user, octet) in HOSTS.items():
        address = f"{prefix}.{octet}"
        line, facts = make(paths, address, now)
        known += line
        _run_container(host, address, references[host])
        hosts[host] = {
            "name": host,
            "container": f"{name}-{host}",
            "address": address,
            "user": user,
            "facts": facts,
        }
    paths.known_hosts.write_text(known, encoding="ascii")
    return {"name": name, "started": now.isoformat(), "images": references, "owners": [], "hosts": hosts}


def up(owner: str) -> Fleet:
    """The running fleet, started if it is not; ``owner`` keeps it until ``release(owner)``."""
    with _locked():
        references = {name: images.ensure(name) for name in HOSTS}
        state = _read_state()
        if state is None or not whole(state, references):
            owners = [] if state is None else state["owners"]
            say("starting " + " and ".join(HOSTS) + " …")
            started = time.monotonic()
            _remove()
            state = _start(references) | {"owners": owners}
            fleet = Fleet(state)
            for host in fleet.hosts.values():
                host.wait()
            inventory.write(inventory_dir(), fleet.hosts.values(), Paths(run_dir()))
            say(f"up after {time.monotonic() - started:.1f} s")
        state["owners"] = sorted({*filter(_alive, state["owners"]), owner})
        _write_state(state)
        return Fleet(state)


def release(owner: str) -> bool:
    """Forget an owner; take the fleet down if it was the last. Returns whether the fleet is down."""
    with _locked():
        state = _read_state()
        if state is None:
            return True
        state["owners"] = [other for other in state["owners"] if other != owner and _alive(other)]
        if state["owners"]:
            _write_state(state)
            say(f"left up for {', '.join(state['owners'])}")
            return False
        _remove()
        return True


def down() -> None:
    """Take the fleet down, whoever else may be using it."""
    with _locked():
        _remove()


def status() -> dict[str, Any]:
    """What is up: for people and for ``--json``."""
    state = _read_state()
    references = {name: images.image(name) for name in HOSTS}
    return {
        "name": fleet_name(),
        "run_dir": str(run_dir()),
        "up": state is not None and whole(state, references),
        "inventory": str(inventory_dir()),
        "owners": [] if state is None else state["owners"],
        "hosts": {} if state is None else state["hosts"],
        "images": {name: images.exists(reference) for name, reference in references.items()},
    }
