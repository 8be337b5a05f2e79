"""The load: some connections, each sending the next request as soon as its last one is answered.

A process of its own, `python -m tests.load.client PORT CLIENTS < requests`, that makes nothing while it
measures: whole requests come in beforehand, each behind its length in four bytes. It prints JSON.
"""

import asyncio
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import uvloop

from crossdock_cli.embedded.launch import LOOPBACK

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
LENGTH_BYTES = 4
#: A server that has too much to do says so, and is asked again, as marketplaces do; the latency goes on.
BUSY, AGAIN_AFTER_S = 503, 0.1


class Connection(asyncio.Protocol):
    """One client. `done` is set when no request is left and the last one is answered."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float], statuses: Counter[int]) -> None:
        self._requests = requests
        self._latencies = latencies
        self._statuses = statuses
        self._received = self._request = b""
        self._sent_at = 0.0
        self._transport: asyncio.WriteTransport
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        self._received += data
        length = answer_length(self._received)
        if length is None or len(self._received) < length:
            return
        status = int(self._received[9:12])
        self._statuses[status] += 1
        self._received = b""
        if status == BUSY:
            asyncio.get_running_loop().call_later(AGAIN_AFTER_S, self._transport.write, self._request)
            return
        self._latencies.append(time.perf_counter() - self._sent_at)
        self.send_next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server hung up"))

    def send_next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.done.set_result(None)
            return
        self._request, self._sent_at = request, time.perf_counter()
        self._transport.write(request)


def answer_length(received: bytes) -> int | None:
    """Of the whole answer, as far as its head tells; None before the head is complete."""
    end = received.find(END_OF_HEAD)
    if end < 0:
        return None
    head = received[:end].lower()
    at = head.find(LENGTH)
    body = 0 if at < 0 else int(head[at + len(LENGTH) :].split(b"\r\n", 1)[0])
    return end + len(END_OF_HEAD) + body


def read_requests(source: BinaryIO) -> list[bytes]:
    found = []
    while length := source.read(LENGTH_BYTES):
        found.append(source.read(int.from_bytes(length)))
    return found


async def send_all(port: int, clients: int, requests: list[bytes]) -> dict[str, Any]:
    """Latencies in seconds, sorted. Raises OSError when the server goes away."""
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    left = iter(requests)
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: Connection(left, latencies, statuses), LOOPBACK, port)
        for _ in range(clients)
    ]
    try:
        began = time.perf_counter()
        for _, connection in opened:
            connection.send_next()
        await asyncio.gather(*(connection.done for _, connection in opened))
        seconds = time.perf_counter() - began
    finally:
        for transport, _ in opened:
            transport.close()
        await asyncio.sleep(0)  # closing is a callback
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": seconds,
        "statuses": statuses,
        "latencies": sorted(latencies),
        "cpu_s": used.ru_utime + used.ru_stime,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the load's process saw: times in seconds, latencies sorted, how many answers of which status."""

    seconds: float
    latencies: Sequence[float] = field(repr=False)
    statuses: Mapping[str, int]
    cpu_s: float

    @property
    def taken(self) -> int:
        return self.statuses.get("200", 0)

    @property
    def refused(self) -> int:
        """Answers that there is too much to do; those requests were sent again."""
        return self.statuses.get(str(BUSY), 0)

    @property
    def others(self) -> int:
        """Answers that nobody wants."""
        return sum(self.statuses.values()) - self.taken - self.refused


class ClientFailed(Exception):
    """The load's process broke; its words are on standard error."""


async def send_from_a_process(port: int, clients: int, requests: Iterable[bytes]) -> Seen:
    """Send the requests from a process of its own. Raises ClientFailed."""
    given = b"".join(len(one).to_bytes(LENGTH_BYTES) + one for one in requests)
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.load.client", str(port), str(clients)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    answer, _ = await client.communicate(given)
    if client.returncode != 0:
        raise ClientFailed(f"the client ended with code {client.returncode}")
    return Seen(**json.loads(answer))


def main() -> None:
    port, clients = map(int, sys.argv[1:])
    json.dump(uvloop.run(send_all(port, clients, read_requests(sys.stdin.buffer))), sys.stdout)


if __name__ == "__main__":
    main()
