"""The wires: a TCP proxy in front of every broker, database and sandbox."""


class Link:
    """A verb replaces the trouble before it; `heal` ends it. They return when the proxy obeys."""

    name: str
    #: Where clients connect.
    host: str
    port: int

    async def cut(self) -> None:
        """Drop what is connected and refuse what comes."""

    async def cut_answers(self) -> None:
        """Let requests pass and lose every answer; connections that lost one are reset at `heal`."""

    async def silence(self) -> None:
        """Accept and forward nothing, in neither direction; what waited is delivered late, at `heal`."""

    async def slow(self, latency_s: float, jitter_s: float = 0.0, bytes_per_s: int | None = None) -> None:
        """Delay each piece by `latency_s` to `latency_s + jitter_s`, and let through so many bytes a second."""

    async def slice(self) -> None:
        """Deliver everything in pieces of a few bytes."""

    async def reset(self) -> None:
        """Once: break every open connection with RST, in the middle of its next answer where one comes soon."""

    async def heal(self) -> None:
        """Forward as if nothing had been."""
