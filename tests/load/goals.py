"""Where orders are to get to, and how a database is asked how many have."""

from collections.abc import Sequence
from dataclasses import dataclass

_NO_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Question:
    """`newest`: the mark of the newest row; `come`: how many rows have come after mark $1, and when the last.

    Both go through a primary key: what one look costs does not grow with the tables. `database`: another one
    that the service's owner has; None: the service's.
    """

    service: str
    newest: str
    come: str
    database: str | None = None


def events(service: str, topic: str) -> Question:
    return Question(
        service,
        "select coalesce(max(seq), 0) from event_log",
        f"select count(*), max(at) from event_log where seq > $1 and topic = '{topic}'",
    )


def rows(
    service: str, table: str, key: str, at: str, which: str = "true", *, database: str | None = None
) -> Question:
    """`key`: a UUIDv7, so that what comes later has a larger one."""
    return Question(
        service,
        f"select coalesce((select {key} from {table} order by {key} desc limit 1), '{_NO_ID}')",
        f"select count(*), max({at}) from {table} where {key} > $1 and {which}",
        database,
    )


@dataclass(frozen=True, slots=True)
class Stage:
    """It has ended for as many orders as every question finds; `each`: rows that one order has there."""

    letter: str
    name: str
    target_per_s: int
    asks: Sequence[Question]
    each: int = 1


RESERVED = Stage(
    "A",
    "reserved and planned",
    500,
    (events("inventory", "stock.reserved"), rows("shipping", "shipment", "shipment_id", "planned_at")),
)
SHIPPED = Stage("B", "labelled and handed over", 250, (events("shipping", "parcel.shipped"),))
WRITTEN_BACK = Stage(
    "C",
    "written back",
    120,
    (rows("order", "obligation", "obligation_id", "updated_at", "state = 'confirmed'"),),
)
ANNOUNCED = Stage("C", "announced by two mails", 120, (events("notify", "notification.sent"),), each=2)
STAGES = (RESERVED, SHIPPED, WRITTEN_BACK, ANNOUNCED)
