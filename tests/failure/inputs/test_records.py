"""Records that no publisher sends: the consumer survives, the culprit's key rests, the others go on."""

import asyncio
import json
import random
from collections.abc import Callable, Iterator, MutableSequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import text

from crossdock_chassis.consumer import Consumer
from crossdock_chassis.kafka import Kafka, KafkaProfile
from crossdock_chassis.wire import EPOCH_HEADER
from crossdock_cli.embedded.tansu import TansuBroker
from crossdock_contracts.registry import EVENTS

from .asking import EXAMPLES
from .members import HANDLERS, MODULES, Member, Running
from .seeds import CANARY, sample_event
from .tape import Raw, Tape

EACH = pytest.mark.parametrize("name", MODULES)
SEED: Final = 20261121
SAMPLE_ORDER: Final = "01934f5e-7b1c-7000-8000-000000000010"
ODD_VALUES: Final[list[Any]] = [
    *(None, True, 0, -1, 2**31, 2**63, 10**40, 1e308, float("nan"), float("inf")),
    *(
        "",
        "\0",
        f"{CANARY}\0",
        "\ud800",
        "x" * 50_000,
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ),
    *([], {}, [None], {"a": 1}, [[[[]]]]),
]


def _mine(event_type: str, order: UUID) -> dict[str, Any]:
    """The sample's payload about an order, and a SKU, of this test alone; people in it are canaries."""
    event = sample_event(event_type)
    text = event.model_dump_json().replace(SAMPLE_ORDER, str(order)).replace("STAND-SLV", f"S-{order}")
    found: dict[str, Any] = json.loads(text)
    return found


def _raw(event_type: str, payload: Any, *, key: bytes | None = None) -> Raw:
    """A record with the envelope of its type around any payload."""
    good = Raw.of(sample_event(event_type))
    value = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return replace(good, key=key or _key_of(event_type, payload), value=value)


def _key_of(event_type: str, payload: Any) -> bytes:
    facts = payload.get("facts", payload) if isinstance(payload, dict) else {}
    found = payload.get("order_id") if isinstance(payload, dict) else None
    if not isinstance(found, str):
        found = facts.get("sku") if isinstance(facts, dict) else None
    return found.encode(errors="replace") if isinstance(found, str) else event_type.encode()


def _mutated(payload: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """One to three things in it are other than they were."""
    mutated: dict[str, Any] = json.loads(json.dumps(payload))
    for _ in range(chance.randint(1, 3)):
        path = chance.choice([one for one in _places(mutated) if one != ("order_id",)])
        place = mutated
        for step in path[:-1]:
            place = place[step]
        how = chance.randrange(5)
        if how == 0 and isinstance(place, dict):
            del place[path[-1]]
        elif how == 1 and isinstance(place, dict):
            place["unknown"] = chance.choice(ODD_VALUES)
        elif how == 2 and isinstance(place, list):
            place.append(place[path[-1]])
        elif how == 3 and isinstance(place[path[-1]], int):
            place[path[-1]] += chance.choice([-1, 1, 1_000_000])
        else:
            place[path[-1]] = chance.choice(ODD_VALUES)
    return mutated


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from _places(inner, (*path, step))


def _spoiled(good: Raw) -> Iterator[Raw]:
    """What can be wrong with a record before anybody looks into its payload."""
    value = good.value or b""
    for odd in (None, b"", b"\0", b"\xff\xfe", b"null", b"[]", b"[" * 100_000, value[:-20], value + value):
        yield replace(good, value=odd)
    yield replace(good, value=value.decode().encode("utf-16"))
    for key in (None, b"", b"\0", b"\xff" * 40, b"k" * 5_000, b"another"):
        yield replace(good, key=key)
    names = [name for name, _ in good.headers]
    for name in names:
        left = tuple(one for one in good.headers if one[0] != name)
        yield replace(good, headers=left)
        for odd_value in (b"", b"\0", b"\xff", b"9" * 10_000, CANARY.encode()):
            yield replace(good, headers=(*left, (name, odd_value)))
        yield replace(good, headers=(*good.headers, (name, b"again")))
    yield replace(good, headers=())


def _witness(name: str) -> str:
    """A type that every service of an order's way listens to, and that is handled without a past."""
    return next(one.TYPE for one in HANDLERS[name] if one.TOPIC in {"order.created", "parcel.shipped"})


async def _survives(member: Member, batches: list[list[Raw]]) -> None:
    """Play them, and after each a record of an order that is in order: it must be handled."""
    tape = Tape(member.name, member.database)
    await tape.begin()
    witness_type = _witness(member.name)
    for batch in batches:
        payload = _mine(witness_type, uuid4())
        outcome = await tape.play([*batch, _raw(witness_type, payload)])
        assert not outcome.reread
        assert outcome.applied + outcome.parked + outcome.duplicates == len(batch) + 1
        assert outcome.applied >= 1


def _parked(member: Member) -> list[tuple[str, str, str]]:
    rows = member.rows(
        "select key, error_type, error_text from parked_key where consumer = :c", c=member.name
    )
    return [tuple(row) for row in rows]


def _forget(member: Member) -> None:
    async def forget() -> None:
        async with member.database.transaction() as tx:
            for table in ("parked_event", "parked_key"):
                await tx.connection.exec_driver_sql(f"delete from {table}")

    member.run(forget())


@pytest.fixture(autouse=True)
def _nothing_personal(running: Running, logged: MutableSequence[str]) -> Iterator[None]:
    """Whatever a test here does: no word of a buyer stands in a log line."""
    began = len(logged)
    yield
    assert not [one[:500] for one in logged[began:] if CANARY.lower() in one.lower()]


@EACH
def test_what_is_wrong_with_a_record_itself_rests_and_the_others_go_on(running: Running, name: str) -> None:
    member = running[name]
    _forget(member)
    batches = []
    for event_type in HANDLERS[name]:
        payload = _mine(event_type.TYPE, uuid4())
        batches += [[one] for one in _spoiled(_raw(event_type.TYPE, payload))][:: 3 if EXAMPLES < 50 else 1]

    member.run(_survives(member, batches))

    parked = _parked(member)
    assert parked
    assert {error for _, error, _ in parked} == {"UnreadableRecord"}
    assert not [one for one in parked if CANARY.lower() in one[2].lower()]


@EACH
def test_contents_that_no_publisher_sends_are_applied_told_or_rest(running: Running, name: str) -> None:
    member = running[name]
    _forget(member)
    chance = random.Random(f"{SEED}-{name}")
    batches = []
    for event_type in HANDLERS[name]:
        for _ in range(EXAMPLES * 3):
            payload = _mutated(_mine(event_type.TYPE, uuid4()), chance)
            batches.append([_raw(event_type.TYPE, payload)])

    member.run(_survives(member, batches))

    # What the contract lets through and no column takes (NUL, units beyond 32 bits) rests, too.
    rests = ("UnreadableRecord", "DBAPIError(22")
    assert [one for one in _parked(member) if not one[1].startswith(rests)] == []


@EACH
@pytest.mark.parametrize("number", [2**63, 10**40])
def test_numbers_beyond_64_bits_are_told_as_what_cannot_be_read(
    running: Running, name: str, number: int
) -> None:
    member = running[name]
    _forget(member)
    payloads = [(one.TYPE, _mine(one.TYPE, uuid4())) for one in HANDLERS[name]]

    member.run(
        _survives(
            member, [[_raw(kind, payload | {"aggregate_version": number}) for kind, payload in payloads]]
        )
    )

    parked = _parked(member)
    assert len(parked) == len(payloads)
    assert {(error, told) for _, error, told in parked} == {
        ("UnreadableRecord", "the payload holds a number beyond 64 bits")
    }


@EACH
def test_stories_that_contradict_themselves_end_in_no_defect(running: Running, name: str) -> None:
    """Every event of an order's life, mutated only where the contract still holds, in any order."""
    member = running[name]
    _forget(member)
    chance = random.Random(f"{SEED}-{name}-stories")
    stories = [_story(name, chance) for _ in range(EXAMPLES)]

    member.run(_survives(member, stories))

    assert _parked(member) == []


def _story(name: str, chance: random.Random) -> list[Raw]:
    order = uuid4()
    types = [one for one in HANDLERS[name] for _ in range(2)]
    chance.shuffle(types)
    story = []
    for event_type in types:
        payload = _mine(event_type.TYPE, order)
        payload["aggregate_version"] = chance.choice([1, 2, 3, 4, 5, 1_000_000])
        for change in chance.sample(CONTRADICTIONS, 2):
            change(payload, chance)
        if _fits(event_type.TYPE, payload):
            story.append(_raw(event_type.TYPE, payload))
    return story


def _fits(event_type: str, payload: Any) -> bool:
    try:
        EVENTS[event_type].model_validate_json(json.dumps(payload))
    except ValueError:
        return False
    return True


def _other_units(payload: dict[str, Any], chance: random.Random) -> None:
    for part in ("lines", "allocations", "contents", "unfilled"):
        for one in payload.get(part, []):
            one["units"] = chance.choice([0, 1, 2, 3, 100_000])


def _other_lines(payload: dict[str, Any], chance: random.Random) -> None:
    for part in ("lines", "allocations", "contents", "unfilled"):
        for one in payload.get(part, []):
            one["line_id"] = chance.choice([one["line_id"], str(uuid4())])


def _other_allocations(payload: dict[str, Any], chance: random.Random) -> None:
    for part in ("allocations", "contents"):
        for one in payload.get(part, []):
            one["allocation_id"] = chance.choice([one["allocation_id"], str(uuid4())])


def _other_versions(payload: dict[str, Any], chance: random.Random) -> None:
    for one in ("order_version", "label_revision", "allocation_version"):
        if one in payload:
            payload[one] = chance.choice([1, 2, 3, 9, 1_000_000])


def _other_merchant(payload: dict[str, Any], chance: random.Random) -> None:
    payload["merchant_id"] = chance.choice(["default", "default", "somebody-else"])


def _other_warehouse(payload: dict[str, Any], chance: random.Random) -> None:
    if "warehouse" in payload:
        payload["warehouse"] = chance.choice(["SZX1", "NOWHERE"])
    for one in payload.get("allocations", []):
        one["warehouse"] = chance.choice(["SZX1", "NOWHERE"])


def _nothing_in_it(payload: dict[str, Any], chance: random.Random) -> None:
    for part in ("lines", "allocations", "contents", "skus", "warehouses", "unfilled"):
        if part in payload and chance.random() < 0.3:
            payload[part] = []


def _other_state(payload: dict[str, Any], chance: random.Random) -> None:
    if "fulfilment" in payload:
        states = ["open", "held", "cancelling", "cancelled", "closed"]
        payload["fulfilment"]["state"] = chance.choice(states)


def _nul_in_texts(payload: dict[str, Any], chance: random.Random) -> None:
    if chance.random() < 0.3:
        payload["reason"] = "because\0"


CONTRADICTIONS: Final[list[Callable[[dict[str, Any], random.Random], None]]] = [
    _other_units,
    _other_lines,
    _other_allocations,
    _other_versions,
    _other_merchant,
    _other_warehouse,
    _nothing_in_it,
    _other_state,
    _nul_in_texts,
]


@EACH
async def test_over_a_real_broker_the_bad_ones_rest_and_the_good_one_is_handled(
    running: Running, broker: TansuBroker, name: str
) -> None:
    member = running[name]
    _forget(member)
    witness = _raw(_witness(name), _mine(_witness(name), uuid4()))
    bad = list(_spoiled(replace(witness, key=str(uuid4()).encode())))
    records = [*(_with_own_id(one) for one in bad), _with_own_id(witness)]

    applied = await asyncio.to_thread(member.run, _consume(member, broker.bootstrap_servers, records))

    assert applied
    assert {error for _, error, _ in _parked(member)} == {"UnreadableRecord"}


def _with_own_id(record: Raw) -> Raw:
    """The inbox must not take it for one of its sisters. An id that cannot be read stays as it is."""
    fresh, length = str(uuid4()).encode(), len(str(uuid4()))
    headers = (
        (key, fresh if key == "ce_id" and len(value) == length else value) for key, value in record.headers
    )
    return replace(record, headers=tuple(headers))


async def _consume(member: Member, servers: str, records: list[Raw]) -> bool:
    """Send the records, and consume until the last one is in the inbox."""
    kafka = Kafka(bootstrap_servers=servers, profile=KafkaProfile.TANSU)
    producer = AIOKafkaProducer(bootstrap_servers=servers)
    await producer.start()
    for one in records:
        headers = [*one.headers, (EPOCH_HEADER, b"1")]
        await producer.send_and_wait(one.topic, one.value, key=one.key, headers=headers)
    await producer.stop()
    consumer = Consumer(member.name, member.database, HANDLERS[member.name], kafka)
    running = asyncio.create_task(consumer.run())
    wanted = UUID(dict(records[-1].headers)["ce_id"].decode())
    try:
        async with asyncio.timeout(40):
            while True:
                async with member.database.engine.connect() as connection:
                    found = await connection.scalar(
                        text("select count(*) from inbox where event_id = :id"), {"id": wanted}
                    )
                if found:
                    return True
                await asyncio.sleep(0.1)
    finally:
        await consumer.stop()
        await running
