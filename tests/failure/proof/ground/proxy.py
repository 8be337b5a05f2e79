"""One wire: a TCP proxy that can do to two processes what a network does to them."""

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

_LOOPBACK = "127.0.0.1"
_READ_BYTES = 65_536
_SLICES_PER_READ = 50
_BETWEEN_SLICES_S = 0.001  # without it the reader would meet them all at once
_PARTS_PER_S = 10
_RESET_PATIENCE_S = 0.5  # for the next answer of a connection that is to break in the middle of one
_CONNECT_S = 5.0
_RST_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: socket(7)


class Kind(StrEnum):
    NONE = "none"
    CUT = "cut"
    ANSWERS_LOST = "answers_lost"
    SILENT = "silent"
    SLOW = "slow"
    SLICED = "sliced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """`latency_s` to `latency_s + jitter_s` for each piece; `bytes_per_s` 0: as fast as it goes."""

    kind: Kind = Kind.NONE
    latency_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: int = 0


@dataclass(slots=True, eq=False)
class _Connection:
    client: asyncio.StreamWriter
    upstream: asyncio.StreamWriter | None = None
    lost_answers: bool = False  # from here on the stream makes no sense
    breaks_at_answer: bool = False

    def break_off(self) -> None:
        """RST to both sides."""
        for writer in (self.client, self.upstream):
            if writer is not None and not writer.is_closing():
                found: socket.socket = writer.get_extra_info("socket")
                with suppress(OSError):
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_AT_CLOSE)
                writer.transport.abort()

    def close(self) -> None:
        """After what is written has gone out."""
        for writer in (self.client, self.upstream):
            if writer is not None:
                writer.close()


@dataclass(slots=True)
class Proxy:
    """Listens on `port`, forwards to `target_port`; without a target that listens, clients meet RST."""

    port: int
    target_port: int
    random: Random
    _trouble: Trouble = Trouble()
    _server: asyncio.Server | None = None
    _awake: asyncio.Event = field(default_factory=asyncio.Event)
    _connections: set[_Connection] = field(default_factory=set)

    async def meet(self, trouble: Trouble) -> None:
        """From now on it is this, and nothing of what was before."""
        self._trouble = trouble
        for one in [one for one in self._connections if one.lost_answers]:
            one.break_off()
        if trouble.kind is Kind.SILENT:
            self._awake.clear()
        else:
            self._awake.set()
        if trouble.kind is Kind.CUT:
            await self._stop_listening()
            self._break_all()
        elif self._server is None:
            self._server = await asyncio.start_server(
                self._accept, _LOOPBACK, self.port, limit=_READ_BYTES, backlog=512
            )

    async def reset(self) -> None:
        """Break what is open now: in the middle of the next answer, at the end of our patience otherwise."""
        chosen = list(self._connections)
        for one in chosen:
            one.breaks_at_answer = True
        await asyncio.sleep(_RESET_PATIENCE_S)
        for one in chosen:
            one.break_off()

    async def close(self) -> None:
        await self._stop_listening()
        self._break_all()

    async def _stop_listening(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await asyncio.sleep(0)  # uvloop closes at the end of this round

    def _break_all(self) -> None:
        for one in list(self._connections):
            one.break_off()

    async def _accept(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        connection = _Connection(to_client)
        self._connections.add(connection)
        try:
            await self._awake.wait()
            async with asyncio.timeout(_CONNECT_S):
                from_server, to_server = await asyncio.open_connection(
                    _LOOPBACK, self.target_port, limit=_READ_BYTES
                )
            connection.upstream = to_server
            if to_client.is_closing():  # broken off while we connected
                connection.break_off()
                return
            ways = [
                asyncio.create_task(self._forward(connection, from_client, to_server, answers=False)),
                asyncio.create_task(self._forward(connection, from_server, to_client, answers=True)),
            ]
            try:
                # Whichever side ends ends both: none of the protocols here goes on after half a close.
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.wait(ways)
            if any(not way.cancelled() and way.exception() is not None for way in ways):
                connection.break_off()  # one side was reset, so is the other
        except (OSError, TimeoutError):
            connection.break_off()
        finally:
            connection.close()
            self._connections.discard(connection)

    async def _forward(
        self,
        connection: _Connection,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        *,
        answers: bool,
    ) -> None:
        while piece := await source.read(_READ_BYTES):
            await self._awake.wait()
            trouble = self._trouble
            if answers and connection.breaks_at_answer:
                sink.write(piece[: len(piece) // 2])
                await sink.drain()
                connection.break_off()
                return
            if answers and trouble.kind is Kind.ANSWERS_LOST:
                connection.lost_answers = True
            elif trouble.kind is Kind.SLOW:
                await self._deliver_slowly(piece, sink, trouble)
            elif trouble.kind is Kind.SLICED:
                await self._deliver_sliced(piece, sink)
            else:
                sink.write(piece)
                await sink.drain()

    async def _deliver_slowly(self, piece: bytes, sink: asyncio.StreamWriter, trouble: Trouble) -> None:
        await asyncio.sleep(trouble.latency_s + self.random.random() * trouble.jitter_s)
        size = max(1, trouble.bytes_per_s // _PARTS_PER_S) if trouble.bytes_per_s else len(piece)
        for start in range(0, len(piece), size):
            if start and self._trouble is trouble:
                await asyncio.sleep(1 / _PARTS_PER_S)
            sink.write(piece[start : start + size])
            await sink.drain()

    async def _deliver_sliced(self, piece: bytes, sink: asyncio.StreamWriter) -> None:
        longest = max(7, len(piece) * 2 // _SLICES_PER_READ)
        start = 0
        while start < len(piece):
            end = start + self.random.randint(1, longest)
            sink.write(piece[start:end])
            await sink.drain()
            await asyncio.sleep(_BETWEEN_SLICES_S)
            start = end
