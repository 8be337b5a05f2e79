"""The load: some connections that share the requests, at their own pace or at a given one.

A process of its own, `python -m tests.load.client SENDING < requests`, that makes nothing while it
measures: whole requests come in beforehand, each behind its length in four bytes. It prints JSON.
"""

import asyncio
import json
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Any, BinaryIO, cast

import uvloop

from crossdock_cli.embedded.launch import LOOPBACK

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
LENGTH_BYTES = 4
#: A server that has too much to do says so, and is asked again, as marketplaces do; the latency goes on.
BUSY, AGAIN_AFTER_S = 503, 0.1
TAKEN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How requests are sent: by so many clients, in turn to each port.

    `per_s` None: each sends the next as soon as its last one is answered. A number: each request is due at a
    time fixed beforehand, and its latency counts from there, however late it is sent. `patient`: a lost
    connection is made anew and its request sent again, as one is that gets any other answer than 200.
    """

    ports: Sequence[int]
    clients: int
    per_s: float | None = None
    patient: bool = False


class Queue:
    """The requests in order, each with the time it is due, on the clock of `perf_counter`."""

    def __init__(self, requests: Iterable[bytes], per_s: float | None) -> None:
        self._requests = iter(requests)
        self._numbers = count()
        self._per_s = per_s
        self.began = time.perf_counter()

    def stop(self) -> None:
        """What has not been taken stays."""
        self._requests = iter(())

    def take(self) -> tuple[float, bytes] | None:
        request = next(self._requests, None)
        if request is None:
            return None
        if self._per_s is None:
            return time.perf_counter(), request
        return self.began + next(self._numbers) / self._per_s, request


class Connection(asyncio.Protocol):
    """One client. `done` is set when no request is left and the last one is answered."""

    def __init__(
        self, port: int, queue: Queue, latencies: list[float], statuses: Counter[int], *, patient: bool
    ) -> None:
        self._port = port
        self._queue = queue
        self._latencies = latencies
        self._statuses = statuses
        self._patient = patient
        self._received = self._request = b""
        self._due = 0.0
        self._under_way = False
        self._transport: asyncio.WriteTransport
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()

    async def open(self) -> None:
        """Raises OSError."""
        await self._loop.create_connection(lambda: self, LOOPBACK, self._port)

    def close(self) -> None:
        self._transport.close()

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
        if status == BUSY or (self._patient and status != TAKEN):
            self._loop.call_later(AGAIN_AFTER_S, self._send)
            return
        self._under_way = False
        self._latencies.append(time.perf_counter() - self._due)
        self.send_next()

    def connection_lost(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if self._patient:
            self._coming_back = self._loop.create_task(self._come_back())
        else:
            self.done.set_exception(error or ConnectionError("the server hung up"))

    def send_next(self) -> None:
        taken = self._queue.take()
        if taken is None:
            self.done.set_result(None)
            return
        self._due, self._request = taken
        early_s = self._due - time.perf_counter()
        if early_s > 0:
            self._loop.call_later(early_s, self._send)
        else:
            self._send()

    def _send(self) -> None:
        self._under_way = True
        if not self._transport.is_closing():  # else it is sent by whoever comes back
            self._transport.write(self._request)

    async def _come_back(self) -> None:
        self._received = b""
        while self._transport.is_closing():
            await asyncio.sleep(AGAIN_AFTER_S)
            with suppress(OSError):
                await self.open()
        if self._under_way:
            self._send()


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


async def send_all(sending: Sending, requests: list[bytes]) -> dict[str, Any]:
    """Latencies in seconds, sorted. Raises OSError when the server goes away, unless it is waited for."""
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    queue = Queue(requests, sending.per_s)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, queue.stop)
    connections = [
        Connection(port, queue, latencies, statuses, patient=sending.patient)
        for port, _ in zip(cycle(sending.ports), range(sending.clients), strict=False)
    ]
    for connection in connections:
        await connection.open()
    try:
        began_at, queue.began = time.time(), time.perf_counter()
        for connection in connections:
            connection.send_next()
        await asyncio.gather(*(connection.done for connection in connections))
        seconds = time.perf_counter() - queue.began
    finally:
        for connection in connections:
            connection.close()
        await asyncio.sleep(0)  # closing is a callback
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "began_at": began_at,
        "seconds": seconds,
        "statuses": statuses,
        "latencies": sorted(latencies),
        "cpu_s": used.ru_utime + used.ru_stime,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the load's process saw: times in seconds, latencies sorted, how many answers of which status.

    `began_at`: seconds since 1970, when the first request was sent or due.
    """

    began_at: float
    seconds: float
    latencies: Sequence[float] = field(repr=False)
    statuses: Mapping[str, int]
    cpu_s: float

    @property
    def taken(self) -> int:
        return self.statuses.get(str(TAKEN), 0)

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


async def send_from_a_process(
    sending: Sending, requests: Iterable[bytes], stop: asyncio.Event | None = None
) -> Seen:
    """Send the requests from a process of its own, until `stop` is set. Raises ClientFailed."""
    given = b"".join(len(one).to_bytes(LENGTH_BYTES) + one for one in requests)
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.load.client", json.dumps(asdict(sending))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    stopping = asyncio.create_task(_stop(client, stop or asyncio.Event()))
    try:
        answer, _ = await client.communicate(given)
    finally:
        stopping.cancel()
    if client.returncode != 0:
        raise ClientFailed(f"the client ended with code {client.returncode}")
    return Seen(**json.loads(answer))


async def _stop(client: asyncio.subprocess.Process, stop: asyncio.Event) -> None:
    await stop.wait()
    client.send_signal(signal.SIGTERM)


def main() -> None:
    sending = Sending(**json.loads(sys.argv[1]))
    json.dump(uvloop.run(send_all(sending, read_requests(sys.stdin.buffer))), sys.stdout)


if __name__ == "__main__":
    main()
