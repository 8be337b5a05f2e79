"""Who listens where: behind every wire one port of its own, and one for whoever connects."""

from collections.abc import Sequence

from crossdock_cli.embedded.launch import free_port
from crossdock_cli.stack.services import ROLES, SERVICES, ServiceProcess

from .links import Wire

SANDBOXES = ("shopify", "easypost", "mailbox")
NODES = 3


def replicated(replicas: int) -> list[ServiceProcess]:
    """Every process of every service, the APIs last: what they tell is worth nothing without the others."""
    return [
        ServiceProcess(service, role, replica)
        for role in (*ROLES[1:], ROLES[0])
        for service in SERVICES
        for replica in range(replicas)
    ]


class Addresses:
    """Free ports, each given once. `own`: what a process listens on; `wires`: what is put in front of it."""

    def __init__(self, processes: Sequence[ServiceProcess]) -> None:
        names = [*(one.port_name for one in processes), *SANDBOXES, "smtp", "postgres"]
        links = [*(f"{service}-db" for service in SERVICES), "shopify", "easypost", "smtp"]
        kafka = [f"kafka-{node}" for node in range(NODES)]
        self.own = {name: free_port() for name in (*names, *kafka)}
        self.wires = {
            name: Wire(free_port(), self.own["postgres" if name.endswith("-db") else name])
            for name in (*kafka, *links)
        }

    def as_told(self) -> dict[str, int]:
        """By name, as the services are told: where there is a wire, its port."""
        return self.own | {name: wire.port for name, wire in self.wires.items()}
