"""What each service writes at which step of an order: found in Crossdock's own rows, and nothing decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Steps are named after the topic whose event begins them; these begin otherwise.
FED, BOUGHT, CONFIRMED, TOLD, WRITTEN_BACK = "fed", "bought", "confirmed", "told", "written back"
CREATED, CHANGED = "order.created", "order.changed"
RESERVED, RELEASED = "stock.reserved", "stock.released"
LABELLED, SHIPPED = "parcel.labelled", "parcel.shipped"
LEVEL_CHANGED, SENT = "stock.level_changed", "notification.sent"

EVENT_LOG, INBOX = "event_log", "inbox"


@dataclass(frozen=True, slots=True)
class Source:
    """Where an order's rows in a table are: `t` is the table, $1 the order's id. `steps`: the value of the
    expression `by` -> the step that writes the row. They stand in the order in which rows can be written.
    """

    table: str
    steps: Mapping[str, str]
    by: str = "''"
    where: str = "t.order_id = $1"


@dataclass(frozen=True, slots=True)
class Change:
    """Columns of rows that an earlier step has written, all of a batch by one UPDATE."""

    table: str
    key: str
    columns: tuple[str, ...]
    written_at: str


def _always(step: str) -> Mapping[str, str]:
    return {"": step}


_OF_KEY = "t.key = $1::uuid::text"
_TEMPLATE = "(select m.template from message m where m.message_id = {})"
_OF_MESSAGES = "{} in (select m.message_id from message m where m.order_id = $1)"
_OF_SHIPMENT = "t.shipment_id = (select s.shipment_id from shipment s where s.order_id = $1)"

SOURCES: Mapping[str, Sequence[Source]] = {
    "order": (
        Source("inbound_message", _always(FED)),
        Source("orders", _always(FED)),
        Source(
            "order_history",
            {
                "order.imported": FED,
                "stock.reserved": RESERVED,
                "parcel.labelled": LABELLED,
                "parcel.shipped": SHIPPED,
                "order.closed": SHIPPED,
                "stock.released": RELEASED,
                "write_back.confirmed": WRITTEN_BACK,
            },
            by="t.what",
        ),
        Source("obligation", _always(SHIPPED)),
        Source(
            "job",
            _always(SHIPPED),
            where="t.reference = (select o.obligation_id::text from obligation o where o.order_id = $1)",
        ),
        Source("timer", _always(SHIPPED), where=_OF_KEY),
        Source(EVENT_LOG, {CREATED: FED, CHANGED: SHIPPED}, by="t.topic", where=_OF_KEY),
    ),
    "inventory": (
        Source("stock_order", _always(CREATED)),
        Source("order_line", _always(CREATED)),
        Source("allocation", _always(CREATED)),
        Source(
            "allocation_history",
            {"published": CREATED, "consumed": SHIPPED},
            by="t.state",
            where="t.allocation_id in (select a.allocation_id from allocation a where a.order_id = $1)",
        ),
        Source(
            "stock_movement",
            _always(SHIPPED),
            where="t.allocation_id in (select a.allocation_id from allocation a where a.order_id = $1)",
        ),
        Source(EVENT_LOG, {RESERVED: CREATED, RELEASED: CHANGED}, by="t.topic", where=_OF_KEY),
    ),
    "shipping": (
        Source("known_order", _always(CREATED)),
        Source("consignee", _always(CREATED)),
        Source("shipment", _always(RESERVED)),
        Source("parcel", _always(RESERVED), where=_OF_SHIPMENT),
        Source("item", _always(RESERVED), where=_OF_SHIPMENT),
        Source("label", _always(RESERVED), where=_OF_SHIPMENT),
        Source(
            "job",
            _always(RESERVED),
            where="t.reference = (select s.shipment_id || '/1' from shipment s where s.order_id = $1)",
        ),
        Source("document", _always(BOUGHT), where=_OF_SHIPMENT),
        Source(
            "shipment_history",
            {
                "planned": RESERVED,
                "buying": RESERVED,
                "labelled": BOUGHT,
                "handed_over": BOUGHT,
                "closed": CHANGED,
            },
            by="t.what",
        ),
        Source(EVENT_LOG, {LABELLED: BOUGHT, SHIPPED: BOUGHT}, by="t.topic", where=_OF_KEY),
    ),
    "notify": (
        Source("known_order", _always(CREATED)),
        Source("parcel", _always(SHIPPED)),
        Source("message", {"order_confirmed": CREATED, "shipped": SHIPPED}, by="t.template"),
        Source(
            "job",
            {"order_confirmed": CREATED, "shipped": SHIPPED},
            by=_TEMPLATE.format("t.reference::uuid"),
            where=_OF_MESSAGES.format("t.reference::uuid"),
        ),
        Source(
            "delivery_log",
            {
                "order_confirmed planned": CREATED,
                "order_confirmed attempt_started": CONFIRMED,
                "order_confirmed accepted": CONFIRMED,
                "shipped planned": SHIPPED,
                "shipped attempt_started": TOLD,
                "shipped accepted": TOLD,
            },
            by=_TEMPLATE.format("t.message_id") + " || ' ' || t.what",
            where=_OF_MESSAGES.format("t.message_id"),
        ),
        Source(
            EVENT_LOG,
            {"order_confirmed": CONFIRMED, "shipped": TOLD},
            by="convert_from(t.payload, 'UTF8')::jsonb ->> 'template'",
            where=_OF_KEY,
        ),
    ),
}

#: What consumers read; of each, the step that has to be behind an order first.
LISTENS: Mapping[str, Mapping[str, str | None]] = {
    "order": {RESERVED: None, LABELLED: None, SHIPPED: None, RELEASED: None},
    "inventory": {CREATED: None, SHIPPED: CREATED, CHANGED: CREATED},
    "shipping": {CREATED: None, RESERVED: CREATED, CHANGED: BOUGHT, RELEASED: None},
    "notify": {CREATED: None, SHIPPED: CREATED, CHANGED: CREATED},
}

_BOUGHT = (
    *("carrier_ref", "carried_by", "carried_as", "tracking_number", "tracking_url", "tracker_ref"),
    *("cost_minor", "cost_currency", "cost_exponent", "document_id", "bought_at"),
)
#: What stands in a row before it is changed, where that is something else than in the end.
BEFORE: Mapping[str, Mapping[str, object]] = {
    "obligation": {"state": "open", "confirmed_ref": None},
    "job": {"state": "ready", "settled_at": None},
    "shipment": {"state": "buying", "handed_over_at": None},
    "label": dict.fromkeys(_BOUGHT) | {"state": "paying"},
    "allocation": {"state": "published", "consumed": 0, "ended_at": None},
    "message": {"state": "waiting", "attempts": 0, "sent_at": None, "server_reply": None},
}

_JOB = ("state", "settled_at")
_ORDER = Change("orders", "order_id", ("status", "version", "process", "updated_at"), FED)
_KNOWN = Change("known_order", "order_id", ("said_version", "updated_at"), CREATED)
_MESSAGE = ("state", "attempts", "attempt_started_at", "sent_at", "server_reply", "updated_at")

CHANGES: Mapping[str, Mapping[str, Sequence[Change]]] = {
    "order": {
        RESERVED: (_ORDER,),
        LABELLED: (_ORDER,),
        SHIPPED: (_ORDER,),
        RELEASED: (_ORDER,),
        WRITTEN_BACK: (
            Change("obligation", "obligation_id", ("state", "confirmed_ref", "updated_at"), SHIPPED),
            Change("job", "job_id", _JOB, SHIPPED),
        ),
    },
    "inventory": {
        SHIPPED: (Change("allocation", "allocation_id", ("state", "consumed", "ended_at"), CREATED),),
        CHANGED: (Change("stock_order", "order_id", ("seen_version", "state"), CREATED),),
    },
    "shipping": {
        RESERVED: (_KNOWN,),
        BOUGHT: (
            Change("label", "label_id", tuple(BEFORE["label"]), RESERVED),
            Change("shipment", "shipment_id", ("state", "handed_over_at", "updated_at"), RESERVED),
            Change("job", "job_id", _JOB, RESERVED),
            _KNOWN,
        ),
        CHANGED: (
            _KNOWN,
            Change("consignee", "order_id", ("version", "consignee"), CREATED),
            Change("shipment", "shipment_id", ("state", "updated_at"), RESERVED),
        ),
        RELEASED: (_KNOWN,),
    },
    "notify": {
        CONFIRMED: (
            Change("message", "message_id", _MESSAGE, CREATED),
            Change("job", "job_id", _JOB, CREATED),
        ),
        TOLD: (
            Change("message", "message_id", _MESSAGE, SHIPPED),
            Change("job", "job_id", _JOB, SHIPPED),
        ),
        CHANGED: (Change("known_order", "order_id", ("version", "state", "updated_at"), CREATED),),
    },
}
