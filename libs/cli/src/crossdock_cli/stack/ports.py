"""Which loopback port each process listens on: as given, else as last time, else a free one."""

from collections.abc import Iterable, Mapping

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import free_port, refuse_taken_port
from crossdock_cli.stack.folder import DataFolder

FILE = "ports.json"


def choose_ports(folder: DataFolder, names: Iterable[str], given: Mapping[str, int]) -> dict[str, int]:
    """A port for each name, remembered in the folder. Raises EmbeddedError for a given one that is taken."""
    wanted = list(names)
    unknown = sorted(set(given) - set(wanted))
    if unknown:
        raise EmbeddedError(f"there is no port named {', '.join(unknown)}; there are {', '.join(wanted)}")
    for name, port in given.items():
        refuse_taken_port(port, name)
    remembered = {name: port for name, port in folder.read(FILE).items() if isinstance(port, int)}
    chosen = {name: given.get(name) or _as_before(name, remembered) for name in wanted}
    taken = {port for port in chosen.values() if port}
    if len(taken) < sum(1 for port in chosen.values() if port):
        raise EmbeddedError("two processes cannot listen on one port; give each its own")
    for name in wanted:
        while not chosen[name]:
            port = free_port()
            if port not in taken:
                chosen[name] = port
                taken.add(port)
    folder.write(FILE, remembered | chosen)
    return chosen


def _as_before(name: str, remembered: Mapping[str, int]) -> int:
    port = remembered.get(name, 0)
    if not port:
        return 0
    try:
        refuse_taken_port(port, name)
    except EmbeddedError:
        return 0
    return port
