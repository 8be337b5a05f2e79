"""What else happens while orders go through: people, foreign members, a lost broker, records of strangers."""

import asyncio
import random
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from crossdock_chassis.kafka import Kafka, KafkaProfile
from crossdock_cli.api import Api, Refused
from crossdock_cli.stack.services import SERVICES
from crossdock_contracts.subscriptions import LISTENS

from ..history import History, Injected
from .stage import Stage, until

LOOK_EVERY_S = 2.0
LONGEST_S = 600.0  # for anything to come about; a busy machine takes a minute to start a service
POISON_KEY = "poison-"
DUPLICATES = 60
NOT_FOUND = 404

#: Who does something on a stage, again and again where it has to be, until it is done.
Trouble = Callable[[Stage, History], Coroutine[Any, Any, None]]


async def look_after_parked(stage: Stage, api: Api) -> None:
    """People: they replay what is parked, and give up what nobody can read. Until cancelled."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        for service in SERVICES:
            for one in (await api.get(service, "/v1/operations/parked"))["items"]:
                path = f"/v1/operations/parked/{one['key']}"
                with suppress(Refused):  # replayed meanwhile, or it fails once more: looked at again
                    if one["key"].startswith(POISON_KEY):
                        await api.send("DELETE", service, path, params={"reason": "nobody can read it"})
                    else:
                        await api.send("POST", service, f"{path}/replay")


async def hurry_a_timer(stage: Stage, history: History) -> None:
    """A deadline that is a day away is now. Its handler looks at the state first and finds nothing late."""
    while not stage.was_hit("order", "timer.before_commit"):
        with suppress(OSError, asyncpg.PostgresError):
            await stage.sql(
                "order",
                """
                update timer set due_at = crossdock_clock(), retry_at = null
                where timer_id = (select timer_id from timer where name = 'obligation_overdue' limit 1)
                """,
            )
        await asyncio.sleep(LOOK_EVERY_S)


async def ask_to_end(stage: Stage, history: History) -> None:
    """SIGTERM, as at every release."""
    await until(
        lambda: "inventory has not reserved anything",
        lambda: _counts(stage, "inventory", "select count(*) from allocation", at_least=8),
        limit_s=LONGEST_S,
    )
    while not stage.was_hit("inventory", "consumer.closing"):
        with suppress(ProcessLookupError):
            stage.signal("inventory", signal.SIGTERM)
        await asyncio.sleep(5)


async def disturb_the_group(stage: Stage, history: History) -> None:
    """A stranger joins notify's group, takes partitions, does nothing with them and leaves."""
    topics = [event.TOPIC for event in LISTENS["notify"]]
    while not stage.was_hit("notify", "consumer.revoked"):
        stranger = AIOKafkaConsumer(*topics, group_id="notify", **_kafka(stage).consumer_options())
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(15):
                await stranger.start()
                while not stranger.assignment():
                    await stranger.getmany(timeout_ms=100)
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(5):
                await stranger.stop()
        await asyncio.sleep(LOOK_EVERY_S)


async def lose_the_broker(stage: Stage, history: History) -> None:
    """kill -9 of a broker that keeps nothing: every log is written anew. Then records that are not new."""
    await until(
        lambda: "shipping has not handed over enough parcels",
        lambda: _counts(
            stage,
            "shipping",
            "select count(*) from shipment where state in ('handed_over', 'closed')",
            at_least=6,
        ),
        limit_s=LONGEST_S,
    )
    stage.signal("broker", signal.SIGKILL)
    await asyncio.gather(*(_written_anew(stage, service) for service in SERVICES))
    await say_it_again(stage, history)
    await say_nonsense(stage, history)


async def _written_anew(stage: Stage, service: str) -> None:
    done = "select epoch from log_epoch where rebuild_wanted is null and rebuild_next is null"
    await until(
        lambda: f"{service} has not written its log anew",
        lambda: _counts(stage, service, done, at_least=2),
        limit_s=LONGEST_S,
    )


async def say_it_again(stage: Stage, history: History) -> None:
    """Copies of records that were read long ago, in any order."""
    kafka = _kafka(stage)
    reader = AIOKafkaConsumer(**kafka.consumer_options(), auto_offset_reset="earliest")
    await reader.start()
    try:
        topics = {event.TOPIC for events in LISTENS.values() for event in events}
        reader.assign(
            [
                TopicPartition(topic, one)
                for topic in topics
                for one in reader.partitions_for_topic(topic) or ()
            ]
        )
        await reader.seek_to_beginning()
        records: list[Any] = []
        while found := await reader.getmany(timeout_ms=1000):
            records += [one for some in found.values() for one in some]
    finally:
        await reader.stop()
    chosen = random.Random(7).sample(records, min(DUPLICATES, len(records)))
    async with AIOKafkaProducer(**kafka.producer_options()) as producer:
        for one in chosen:
            sent = await producer.send_and_wait(
                one.topic, one.value, key=one.key, partition=one.partition, headers=list(one.headers)
            )
            named = dict(one.headers).get("ce_id")
            history.injected.append(
                Injected(
                    topic=one.topic,
                    partition=one.partition,
                    offset=sent.offset,
                    key=one.key.decode(),
                    event_id=None if named is None else named.decode(),
                    poison=False,
                )
            )


async def say_nonsense(stage: Stage, history: History) -> None:
    """Records that nobody can read, under keys of their own."""
    nonsense: list[tuple[bytes | None, list[tuple[str, bytes]]]] = [
        (b"\xff\xfe not UTF-8", [("ce_type", b"crossdock.order.created.v1")]),
        (b"{not JSON", [("ce_id", b"no uuid"), ("ce_type", b"crossdock.order.created.v1")]),
        (b"{}", []),
        (None, [("ce_type", b"crossdock.order.created.v1")]),
        (b"{}", [("ce_type", b"crossdock.order.created.v99"), ("ce_type", b"twice")]),
        (b"x" * 200_000, [("ce_type", b"crossdock.order.created.v1")]),
    ]
    async with AIOKafkaProducer(**_kafka(stage).producer_options()) as producer:
        for number, (payload, headers) in enumerate(nonsense):
            key = f"{POISON_KEY}{number}"
            sent = await producer.send_and_wait("order.created", payload, key=key.encode(), headers=headers)
            history.injected.append(
                Injected(
                    topic="order.created",
                    partition=sent.partition,
                    offset=sent.offset,
                    key=key,
                    event_id=None,
                    poison=True,
                )
            )


def _kafka(stage: Stage) -> Kafka:
    return Kafka(
        bootstrap_servers=stage.system.bootstrap_servers,
        profile=KafkaProfile(stage.system.kafka_profile),
        client_id="crash-tests",
    )


async def _counts(stage: Stage, service: str, statement: str, *, at_least: int) -> bool:
    with suppress(OSError, asyncpg.PostgresError):
        rows = await stage.sql(service, statement)
        return bool(rows) and rows[0][0] >= at_least
    return False
