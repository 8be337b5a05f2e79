"""Records that come twice, that nobody can read, or that are gone; offsets that are set back."""

import asyncio
import json
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar

import asyncpg
from aiokafka.errors import KafkaError

from crossdock_chassis.wire import EPOCH_HEADER
from crossdock_cli.stack.services import SERVICES

from ...system import System
from .. import kafka_tools
from ..kafka_tools import Made
from .kind import Kind, Scene

T = TypeVar("T")

GROUP_ENDS_S = 40.0
#: The topics by who publishes them and is asked to write its log anew.
PUBLISHED = {
    "order": ("order.created", "order.changed", "order.cancelled"),
    "inventory": ("stock.reserved", "stock.rejected", "stock.released"),
    "shipping": ("parcel.labelled", "parcel.shipped", "shipment.cancelled"),
}
#: Not a byte more than most events of these topics have.
TOO_SMALL = {"order.changed": 1_500, "stock.reserved": 900, "parcel.labelled": 700}


async def duplicate(scene: Scene, chance: random.Random) -> str:
    """Past records once more, byte by byte, with their ids, into their partitions."""
    system = scene.ground.system
    records = await kafka_tools.some_records(system, chance, places=40)
    again = [
        Made(
            topic=one.topic,
            partition=one.partition,
            key=one.key,
            value=one.value,
            headers=tuple(one.headers),
            poison=False,
        )
        for one in records
        if dict(one.headers).get("ce_id") and not _is_poison(scene, one.key)
    ]
    done = await kafka_tools.produce(system, scene.history, again)
    return f"{done} records"


def _is_poison(scene: Scene, key: bytes | None) -> bool:
    text = None if key is None else key.decode(errors="backslashreplace")
    return any(one.poison and one.key == text for one in scene.history.injected)


async def poison(scene: Scene, chance: random.Random) -> str:
    epochs = {one: await _epoch(scene.ground.system, one) for one in PUBLISHED}
    made = [_poison(chance, how, epochs) for how in POISONS]
    done = await kafka_tools.produce(scene.ground.system, scene.history, made)
    return f"{done} records: {', '.join(POISONS)}"


POISONS = (
    "not UTF-8",
    "not JSON",
    "another schema",
    "unknown type",
    "future version",
    "no ce_ headers",
    "no value",
    "header not UTF-8",
    "headers twice",
    "900 kB",
    "no key",
)


async def _epoch(system: System, service: str) -> int:
    """Under which a service writes its log now."""
    connection = await asyncpg.connect(system.databases[service].replace("+asyncpg", ""), timeout=10)
    try:
        return int(await connection.fetchval("select epoch from log_epoch"))
    finally:
        connection.terminate()


def _poison(chance: random.Random, how: str, epochs: Mapping[str, int]) -> Made:
    """A record of an order that does not exist."""
    publisher = chance.choice(tuple(PUBLISHED))
    topic = chance.choice(PUBLISHED[publisher])
    key = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    event_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    headers = {
        "ce_specversion": b"1.0",
        "ce_id": event_id.encode(),
        "ce_source": f"/crossdock/{publisher}".encode(),
        "ce_type": f"crossdock.{topic}.v1".encode(),
        "ce_time": datetime.now(UTC).isoformat().encode(),
        "ce_subject": key.encode(),
        "ce_merchantid": b"default",
        "ce_aggregateversion": b"1",
        "ce_correlationid": event_id.encode(),
        EPOCH_HEADER: str(epochs[publisher]).encode(),
        "content-type": b"application/json",
    }
    value: bytes | None = json.dumps({"order_id": key}).encode()
    pairs = list(headers.items())
    match how:
        case "not UTF-8":
            value = b"\xff\xfe\x00{"
        case "not JSON":
            value = b"<order/>"
        case "unknown type":
            pairs = list({**headers, "ce_type": b"crossdock.order.teleported.v1"}.items())
        case "future version":
            pairs = list({**headers, "ce_type": f"crossdock.{topic}.v9".encode()}.items())
        case "no ce_ headers":
            pairs = [("content-type", b"application/json")]
        case "no value":
            value = None
        case "header not UTF-8":
            pairs = list({**headers, "ce_type": b"\xff\xfe"}.items())
        case "headers twice":
            pairs = [("ce_type", b"crossdock.order.teleported.v1"), *pairs]
        case "900 kB":
            value = b'{"order_id": "' + b"x" * 900_000 + b'"}'
    return Made(
        topic=topic,
        partition=None,
        key=None if how == "no key" else key.encode(),
        value=value,
        headers=tuple(pairs),
        poison=True,
    )


async def too_large(scene: Scene, chance: random.Random) -> str:
    """The topic takes only small records for a while: what is refused rests until a person releases it."""
    topic = chance.choice(tuple(TOO_SMALL))
    system = scene.ground.system
    await kafka_tools.set_largest_record(system, topic, TOO_SMALL[topic])
    try:
        await asyncio.sleep(chance.uniform(6, 9))
    finally:
        await kafka_tools.set_largest_record(system, topic, None)
    return f"{topic} took {TOO_SMALL[topic]} bytes"


@asynccontextmanager
async def _stopped(scene: Scene, service: str) -> AsyncIterator[None]:
    """The consumers of a service are held, and their group has no members any more."""
    consumers = scene.replicas(service, "consume")
    try:
        for one in consumers:
            one.hold(True)
        await asyncio.gather(*(one.terminate() for one in consumers))
        yield
    finally:
        for one in consumers:
            one.hold(False)


async def offsets_back(scene: Scene, chance: random.Random) -> str:
    """Kafka's offsets of a stopped group are moved back: only the fence knows what was handled."""
    service = chance.choice(SERVICES)
    async with _stopped(scene, service):
        again = await _patiently(
            lambda: kafka_tools.set_offsets(scene.ground.system, service, chance, back=80)
        )
    return f"{service} reads {again} records again"


async def group_deleted(scene: Scene, chance: random.Random) -> str:
    service = chance.choice(SERVICES)
    async with _stopped(scene, service):
        await _patiently(lambda: kafka_tools.delete_group(scene.ground.system, service))
    return f"the group of {service}"


async def log_truncated(scene: Scene, chance: random.Random) -> str:
    """What everybody has handled is deleted from the log, and its publisher is told to write it anew."""
    publisher = chance.choice(tuple(PUBLISHED))
    system = scene.ground.system
    before = await _handled_by_all(system, PUBLISHED[publisher])
    await kafka_tools.delete_records(system, before)
    await asyncio.sleep(chance.uniform(2, 4))
    body = {"reason": "records were deleted from the log"}
    await scene.clients.command("POST", publisher, "/v1/operations/rebuild", body)
    return f"{sum(before.values())} offsets of {publisher}'s topics; its log is written anew"


async def _handled_by_all(system: System, topics: Sequence[str]) -> dict[tuple[str, int], int]:
    places: dict[tuple[str, int], int] = {}
    for url in system.databases.values():
        connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=10)
        try:
            rows = await connection.fetch(
                "select topic, partition, next_offset from consumer_fence where topic = any($1)", list(topics)
            )
        finally:
            connection.terminate()
        for row in rows:
            place = (row["topic"], row["partition"])
            places[place] = min(places.get(place, row["next_offset"]), row["next_offset"])
    return {place: offset for place, offset in places.items() if offset > 0}


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Until the broker has noticed that the group is empty. Raises the last KafkaError."""
    deadline = asyncio.get_running_loop().time() + GROUP_ENDS_S
    while True:
        try:
            return await work()
        except KafkaError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(1)


RECORD_FAULTS = (
    Kind(
        "duplicates",
        ("F19",),
        "past records are produced again with their ids",
        duplicate,
        tier=1,
        light=True,
    ),
    Kind("poison", ("F22",), "records that nobody can read, in eleven forms", poison, tier=1, light=True),
    Kind("record too large", ("F23",), "a topic takes only small records for a while", too_large),
    Kind("offsets set back", ("F19",), "a stopped group's offsets are moved back", offsets_back),
    Kind("group deleted", ("F24",), "a stopped group is deleted with its offsets", group_deleted),
    Kind(
        "log truncated",
        ("F24",),
        "handled records are deleted; the log is written anew under the next epoch",
        log_truncated,
    ),
)
