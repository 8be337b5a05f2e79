"""The brokers and the database server: the same verbs, by node."""


class Brokers:
    """Three Apache Kafka nodes, 0 to 2. What is killed or stopped stays so until `start` or `heal`."""

    async def kill(self, node: int) -> None:
        """SIGKILL."""

    async def stop(self, node: int) -> None:
        """SIGTERM: partitions are handed over before it ends."""

    async def pause(self, node: int) -> None:
        """SIGSTOP."""

    async def resume(self, node: int) -> None:
        """SIGCONT."""

    async def start(self, node: int) -> None:
        """Returns when the node answers."""

    async def controller(self) -> int:
        """The node that is the active controller. Raises EmbeddedError when there is none."""
        return 0

    async def coordinators(self) -> dict[str, int]:
        """Consumer group -> the node that coordinates it."""
        return {}

    async def under_replicated(self) -> list[str]:
        """`topic/partition` of which not every copy is in sync."""
        return []


class Database:
    """The one PostgreSQL server with the four databases."""

    async def crash(self) -> float:
        """SIGKILL the postmaster and all its children, start it again, return the seconds it was away."""
        return 0.0

    async def terminate_backends(self, service: str | None = None) -> int:
        """End every session of a service's database, or of all four; returns how many."""
        return 0

    async def pause(self) -> None:
        """SIGSTOP the postmaster and every backend there is."""

    async def resume(self) -> None:
        """SIGCONT."""
