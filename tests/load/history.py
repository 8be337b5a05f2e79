"""Orders of long ago, as many as wanted: the rows that real orders have left, again and again, ever older.

A copy is the same orders at an earlier time: every id begins with its time, so ids and times are moved back
alike, and what belonged together still does. Personal data is gone, as from any order whose time is over; of
the event log and the inbox there is as much as they keep.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DAY_MS = 86_400_000
#: The history goes so far back, however many orders there are.
DAYS = 365
SAMPLE = "bench_sample"


@dataclass(frozen=True, slots=True)
class Kept:
    """A table whose rows belong to orders. `named`: texts that must differ, ids among them; `erased`: what is
    emptied when an order's time is over; `which`: the rows of what is finished; `days`: as long as they stay.
    """

    table: str
    named: Sequence[str] = ()
    erased: Sequence[str] = ()
    which: str = "true"
    days: int = DAYS


_JOBS = Kept("job", ("reference",), which="state = 'done'", days=30)
#: By day; the oldest day that has a partition here is yesterday.
_LOG = (Kept("event_log", ("key",), days=1), Kept("inbox", days=1))

TABLES: Mapping[str, Sequence[Kept]] = {
    "order": (
        Kept("inbound_message", ("dedupe_key",), ("body",)),
        Kept("orders", ("external_id", "order_number"), ("people",), "status = 'closed'"),
        Kept("order_history"),
        Kept("obligation", ("subject",), which="state = 'confirmed'"),
        _JOBS,
        *_LOG,
    ),
    "inventory": (
        Kept("stock_order"),
        Kept("order_line"),
        Kept("allocation", which="state = 'consumed'"),
        Kept("allocation_history"),
        Kept("stock_movement", ("reference",), which="kind = 'shipped'"),
        *_LOG,
    ),
    "shipping": (
        Kept("known_order"),
        Kept("shipment", which="state in ('handed_over', 'closed')"),
        Kept("parcel"),
        Kept("item"),
        Kept("label", ("tracking_number", "carrier_ref"), which="state = 'bought'"),
        Kept("document", erased=("content",)),
        Kept("shipment_history"),
        _JOBS,
        *_LOG,
    ),
    "notify": (
        Kept("known_order", ("order_number",), ("buyer_name", "email")),
        Kept("parcel", ("tracking_number",)),
        Kept("message", ("subject",), which="state = 'sent'"),
        Kept("delivery_log"),
        _JOBS,
        *_LOG,
    ),
}

#: An id that begins with a time, moved back; a text that begins with an id, or any other, made another.
FUNCTIONS = f"""
    create schema if not exists {SAMPLE};
    create or replace function {SAMPLE}.moved(id uuid, ms bigint) returns uuid
    language sql immutable parallel safe return (
        lpad(to_hex(
            (('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint - ms) & (2^48 - 1)::bigint
        ), 12, '0') || substr(replace(id::text, '-', ''), 13)
    )::uuid;
    create or replace function {SAMPLE}.renamed(name text, ms bigint) returns text
    language sql immutable parallel safe return
        case when name ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}'
             then {SAMPLE}.moved(left(name, 36)::uuid, ms) || substr(name, 37)
             else name || '-' || ms end;
"""

#: The columns of table $1 and their types; what the server makes itself is left to it.
COLUMNS = """
    select a.attname, a.atttypid::regtype::text from pg_attribute a
    where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped
      and a.attgenerated = '' and a.attidentity = ''
    order by a.attnum
"""


def take_sample(kept: Kept) -> str:
    """The statement that keeps the rows there are now as templates."""
    return f"create table {SAMPLE}.{kept.table} as select * from public.{kept.table} where {kept.which};"


def copies(kept: Kept, columns: Mapping[str, str], begin: int, end: int, *, step_ms: int) -> str:
    """The statement that adds copies `begin` to `end - 1`, each `step_ms` older than the one before."""
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(_value(name, kind, kept) for name, kind in columns.items())
    return f"""
        insert into public.{kept.table} ({names})
        select {values} from generate_series({begin}, {end - 1}) as copy (n),
            lateral (select copy.n * {step_ms}::bigint as ms) as back, {SAMPLE}.{kept.table} as sample;
    """


def _value(name: str, kind: str, kept: Kept) -> str:
    if name in kept.erased:
        return "null"
    if name in kept.named:
        return f"{SAMPLE}.renamed(sample.{name}, back.ms)"
    if kind == "uuid":
        return f"{SAMPLE}.moved(sample.{name}, back.ms)"
    if kind == "timestamp with time zone":
        return f"sample.{name} - back.ms * interval '1 ms'"
    if (kept.table, name) == ("event_log", "seq"):
        return "sample.seq - copy.n * 1000000000::bigint"  # what is older comes before
    return f'sample."{name}"'
