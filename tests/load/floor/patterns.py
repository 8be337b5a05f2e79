"""What the floor writes: the rows that Crossdock has written for an order from each place."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from crossdock_cli.stack.services import SERVICES

from ..accepted import Order
from ..ground import NotAllTaken
from ..orders import MIXED
from ..plant import Plant
from .likeness import Likeness, Taken, columns_of, likeness
from .pieces import FULFILMENT, OF_LABEL, texts_of
from .steps import INBOX, LEVEL_CHANGED, SOURCES
from .writing import Event

_FIRST_PATTERN = 100


@dataclass(frozen=True, slots=True)
class Patterns:
    """`services`: service -> place -> likeness; `levels`: SKU -> what was said of its level."""

    services: Mapping[str, Mapping[str, Likeness]]
    levels: Mapping[str, Event]


@dataclass(frozen=True, slots=True)
class _Known:
    """An order of Crossdock's. `topics`: id of an event about it -> its topic."""

    order_id: UUID
    texts: Mapping[str, str]
    topics: Mapping[UUID, str]


async def find_patterns(plant: Plant) -> Patterns:
    """Of one order from each place, beside another one from there.

    Raises NotAllTaken when Crossdock's orders have not left what is expected of them.
    """
    connections = {service: await connect_to_product(plant, service) for service in SERVICES}
    try:
        found: dict[str, dict[str, Likeness]] = {service: {} for service in SERVICES}
        places = len(MIXED.wants)
        for number in range(_FIRST_PATTERN, _FIRST_PATTERN + places):
            one, other = [await _known(connections, plant, each) for each in (number, number + places)]
            for service, connection in connections.items():
                rows = [await _rows(connection, service, each) for each in (one, other)]
                found[service][MIXED.case(number).place] = likeness(
                    one.order_id, one.texts, rows[0], foreign=str(rows[1])
                )
        return Patterns(found, await _levels(connections["inventory"]))
    finally:
        for connection in connections.values():
            await connection.close()


async def connect_to_product(plant: Plant, service: str) -> asyncpg.Connection:
    url = plant.stack.postgres.databases.urls(f"crossdock_{service}", service).app_url
    return await asyncpg.connect(url.replace("+asyncpg", ""))


async def _levels(inventory: asyncpg.Connection) -> Mapping[str, Event]:
    rows = await inventory.fetch(
        "select distinct on (key) topic, key, headers, payload from event_log where topic = $1", LEVEL_CHANGED
    )
    return {row["key"]: Event(row["topic"], row["key"], row["headers"], row["payload"], 0) for row in rows}


async def _known(connections: Mapping[str, asyncpg.Connection], plant: Plant, number: int) -> _Known:
    order = Order.of(plant.run, number)
    order_id = await connections["order"].fetchval(
        "select order_id from orders where external_id = $1", order.external_id
    )
    label = await connections["shipping"].fetchrow(
        "select l.* from label l join shipment s using (shipment_id) where s.order_id = $1", order_id
    )
    fulfilment = await connections["order"].fetchval(
        "select confirmed_ref from obligation where order_id = $1", order_id
    )
    if label is None or fulfilment is None:
        raise NotAllTaken(f"order {number} did not come through: it is no pattern for the floor")
    topics = {
        row["event_id"]: row["topic"]
        for connection in connections.values()
        for row in await connection.fetch(
            "select event_id, topic from event_log where key = $1", str(order_id)
        )
    }
    texts = texts_of(order) | {name: label[name] for name in OF_LABEL} | {FULFILMENT: fulfilment}
    return _Known(order_id, texts, topics)


async def _rows(connection: asyncpg.Connection, service: str, order: _Known) -> list[Taken]:
    """Raises NotAllTaken for a row that no step is known to write."""
    found = [
        Taken(order.topics[row["event_id"]], INBOX, dict(row))
        for row in await connection.fetch(
            "select event_id, consumer from inbox where event_id = any($1)", list(order.topics)
        )
    ]
    for source in SOURCES[service]:
        columns = ", ".join(f"t.{name}" for name in await columns_of(connection, source.table))
        query = f"select {source.by} as by_, {columns} from {source.table} t where {source.where}"
        for row in await connection.fetch(query, order.order_id):
            by, *values = row.items()
            if by[1] not in source.steps:
                raise NotAllTaken(f"no step writes the row of {service} in {source.table} with {by[1]!r}")
            found.append(Taken(source.steps[by[1]], source.table, dict(values)))
    return found
