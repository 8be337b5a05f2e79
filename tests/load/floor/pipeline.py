"""The floor of the stages: each service's rows and events by hand, in one process each.

`python -m tests.load.floor.pipeline order | inventory | shipping | notify | feed`. One transaction per poll,
and the events after it. What carrier, mail server and shop have answered meanwhile is written together, too.
Nothing is checked, and nothing is tried again.
"""

import asyncio
import json
import os
import pickle
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from crossdock_chassis.kafka import Kafka
from crossdock_cli.demo.run import Run

from ..accepted import Order
from ..feeding import feed, tell_ready
from ..outside import Outside
from .likeness import Likeness
from .patterns import Patterns
from .pieces import TOPIC_PREFIX, Piece
from .steps import BOUGHT, CONFIRMED, CREATED, FED, LISTENS, RESERVED, SHIPPED, TOLD, WRITTEN_BACK
from .writing import Event, Writer

AT_ONCE = 16
MOST_RECORDS = 500
CONNECTIONS = 2  # one writes what came, one what was answered
NUMBER_HEADER = "bench_number"
FIRST_SEQ, FIRST_FED_SEQ = 1_000_000_000, 2_000_000_000

#: Makes the call for a piece and keeps what it says; the step that begins with the answer.
Call: TypeAlias = Callable[[Piece], Awaitable[str]]


class Floor:
    """One service. Opened inside the event loop."""

    def __init__(
        self,
        service: str,
        likenesses: Mapping[str, Likeness],
        writer: Writer,
        producer: AIOKafkaProducer,
        calls: Mapping[str, Call],
    ) -> None:
        self._needs = LISTENS[service]
        self._likenesses = likenesses
        self._writer = writer
        self._producer = producer
        self._calls = calls
        self._run = Run(os.environ["BENCH_RUN"], 0, 0)
        self._pieces: dict[str, Piece] = {}
        self._early: list[ConsumerRecord] = []
        self._room = asyncio.Semaphore(AT_ONCE)
        self._answered: list[tuple[str, Piece]] = []
        self._answer = asyncio.Event()
        self._calling: set[asyncio.Task[None]] = set()

    async def consume(self, consumer: AIOKafkaConsumer) -> None:
        """Write what comes, make the calls that follow from it; for ever."""
        while True:
            polled = await consumer.getmany(timeout_ms=200, max_records=MOST_RECORDS)
            records = [*self._early, *(record for batch in polled.values() for record in batch)]
            ready = self._ready(records)
            if ready:
                await self._write(ready)
            if polled:
                await consumer.commit()

    async def settle(self) -> None:
        """Write what was answered, as much at once as there is; for ever."""
        while True:
            await self._answer.wait()
            self._answer.clear()
            answered, self._answered = self._answered, []
            await self._write(answered)

    def _ready(self, records: Sequence[ConsumerRecord]) -> list[tuple[str, Piece]]:
        """The steps that can be done now; the other records are kept for the next time."""
        ready: list[tuple[str, Piece]] = []
        self._early = []
        coming: set[tuple[str, str]] = set()
        # What others wait for comes first.
        for record in sorted(records, key=lambda one: self._needs[_topic(one)] is not None):
            topic, key = _topic(record), record.key.decode()
            piece = self._piece(key, record)
            needed = self._needs[topic]
            if needed is None or needed in piece.behind or (key, needed) in coming:
                coming.add((key, topic))
                event = json.loads(record.value)
                if topic == SHIPPED:
                    piece.learn_shipped(event)
                ready.append((topic, piece))
            else:
                self._early.append(record)
        return ready

    def _piece(self, key: str, record: ConsumerRecord) -> Piece:
        piece = self._pieces.get(key)
        if piece is None:
            number = int(dict(record.headers)[NUMBER_HEADER])
            piece = self._pieces[key] = Piece.numbered(number, key, self._run, self._likenesses)
        return piece

    async def _write(self, steps: Sequence[tuple[str, Piece]]) -> None:
        events = await self._writer.write(steps)
        await publish(self._producer, events)
        for step, piece in steps:
            piece.behind.add(step)
            call = self._calls.get(step)
            if call is not None:
                task = asyncio.create_task(self._call(call, piece))
                self._calling.add(task)
                task.add_done_callback(self._calling.discard)

    async def _call(self, call: Call, piece: Piece) -> None:
        async with self._room:
            step = await call(piece)
        self._answered.append((step, piece))
        self._answer.set()


def calls_of(service: str, outside: Outside) -> Mapping[str, Call]:
    """Step -> the call that follows from it."""

    async def buy_label(piece: Piece) -> str:
        piece.learn_bought(await outside.buy_label(piece.order))
        return BOUGHT

    async def confirm(piece: Piece) -> str:
        await outside.confirm(piece.order)
        return CONFIRMED

    async def tell_shipped(piece: Piece) -> str:
        await outside.tell_shipped(piece.order, piece.shown)
        return TOLD

    async def write_back(piece: Piece) -> str:
        piece.learn_written_back(await outside.write_back(piece.order, piece.shown))
        return WRITTEN_BACK

    calls: Mapping[str, Mapping[str, Call]] = {
        "shipping": {RESERVED: buy_label},
        "notify": {CREATED: confirm, SHIPPED: tell_shipped},
        "order": {SHIPPED: write_back},
    }
    return calls.get(service, {})


async def publish(producer: AIOKafkaProducer, events: Sequence[Event]) -> None:
    """All of them, and wait until the broker has them."""
    sent = [
        await producer.send(
            TOPIC_PREFIX + one.topic, one.payload, key=one.key.encode(), headers=_headers(one)
        )
        for one in events
    ]
    await asyncio.gather(*sent)


def patterns() -> Patterns:
    found: Patterns = pickle.loads(Path(os.environ["BENCH_PATTERNS"]).read_bytes())
    return found


def _headers(event: Event) -> list[tuple[str, bytes]]:
    names = zip(event.headers[::2], event.headers[1::2], strict=True)
    return [
        *((name, value.encode()) for name, value in names),
        ("ce_logepoch", b"1"),
        (NUMBER_HEADER, str(event.number).encode()),
    ]


def _topic(record: ConsumerRecord) -> str:
    topic: str = record.topic
    return topic.removeprefix(TOPIC_PREFIX)


async def serve(service: str) -> None:
    kafka = Kafka(bootstrap_servers=os.environ["BENCH_KAFKA"], client_id=f"floor-{service}")
    producer = AIOKafkaProducer(**kafka.producer_options())
    consumer = AIOKafkaConsumer(
        *(TOPIC_PREFIX + topic for topic in LISTENS[service]),
        **kafka.consumer_options(),
        group_id=f"floor-{service}",
        auto_offset_reset="earliest",
    )
    async with _pool(service) as pool, producer, consumer:
        known = patterns()
        writer = await Writer.open(service, pool, FIRST_SEQ, known.levels)
        outside = Outside()
        calls = calls_of(service, outside)
        floor = Floor(service, known.services[service], writer, producer, calls)
        working = asyncio.gather(floor.consume(consumer), floor.settle())
        # Who leaves its group without a word keeps the next one waiting.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
        tell_ready()
        with suppress(asyncio.CancelledError):
            await working
        await outside.close()


async def begin_all() -> None:
    """Orders as they are accepted; then all that was to be said of them at once."""
    kafka = Kafka(bootstrap_servers=os.environ["BENCH_KAFKA"], client_id="floor-feed")
    likenesses, said = patterns().services["order"], dict[str, Event]()
    async with _pool("order") as pool, AIOKafkaProducer(**kafka.producer_options()) as producer:
        writer = await Writer.open("order", pool, FIRST_FED_SEQ)

        async def accept(orders: Sequence[Order]) -> None:
            pieces = [Piece.of(order, likenesses[order.place]) for order in orders]
            said.update({one.key: one for one in await writer.write([(FED, piece) for piece in pieces])})

        await feed(accept, lambda order: publish(producer, [said[order.order_id]]))


def _pool(service: str) -> asyncpg.Pool:
    async def nothing(_: asyncpg.Connection) -> None:
        """Nothing in a session has to be undone, so it is not asked for."""

    url = os.environ[f"BENCH_DATABASE_{service.upper()}"]
    return asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS, reset=nothing)


if __name__ == "__main__":
    uvloop.run(begin_all() if sys.argv[1] == "feed" else serve(sys.argv[1]))
