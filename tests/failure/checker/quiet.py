"""INV-14: whether all rests. `quiesced` names what still moves."""

from collections.abc import Collection, Mapping

from crossdock_contracts.subscriptions import LISTENS

from ..system import System
from .sources import SERVICES, Sources, open_sources
from .topics import open_tail

#: What must be zero in every service's database, and what to call it. Refused jobs and those that need a
#: person rest; whoever looks at them decides.
_EVERYWHERE = (
    ("events in the outbox", "select count(*) from outbox"),
    ("events the broker refused", "select count(*) from outbox_parked"),
    ("jobs under way", "select count(*) from job where state in ('ready', 'running')"),
    ("overdue timers", "select count(*) from timer where due_at < crossdock_clock()"),
    (
        "logs being written anew",
        "select count(*) from log_epoch where rebuild_wanted is not null or rebuild_next is not null",
    ),
)

_OF_ONE = {
    "order": (
        ("deferred events", "select count(*) from deferred_event"),
        ("orders that are cancelling", "select count(*) from orders where status = 'cancelling'"),
        (
            "orders that wait for an answer",
            "select count(*) from orders where status not in ('closed', 'cancelled')"
            " and progress && array['awaiting_stock', 'change_pending']",
        ),
        (
            "write-backs under way",
            "select count(*) from obligation where state = 'open' and not exists ("
            " select from job where state = 'needs_person' and reference = obligation_id::text)",
        ),
    ),
    "inventory": (
        ("allocations being withdrawn", "select count(*) from allocation where state = 'withdrawing'"),
        ("cancels without an answer", "select count(*) from stock_order where cancel_version is not null"),
    ),
    "shipping": (
        ("deferred events", "select count(*) from deferred_event"),
        (
            "shipments under way",
            "select count(*) from shipment s where state in ('buying', 'cancelling') and not exists ("
            " select from shipment_exception e where e.shipment_id = s.shipment_id and resolved_at is null)",
        ),
        ("voids under way", "select count(*) from label where state in ('void_pending', 'void_submitted')"),
    ),
    "notify": (
        ("deferred tellings", "select count(*) from deferred_telling"),
        ("messages under way", "select count(*) from message where state in ('waiting', 'sending')"),
    ),
}


async def quiesced(system: System, *, may_rest: Collection[str] = ()) -> list[str]:
    """What still moves, in words; empty when all rests. Safe to ask again and again.

    `may_rest`: keys that may stay parked. Raises what `open_sources` does, and aiokafka's errors.
    """
    async with open_sources(system) as sources:
        moving = await unrest(sources, may_rest)
        if moving:
            return moving  # reading all topics costs more; it is asked when nothing else moves
        async with open_tail(system) as tail:
            async for _ in tail.more():
                pass
            ends = await tail.ends()
        return await unread(sources, ends)


async def unrest(sources: Sources, may_rest: Collection[str] = ()) -> list[str]:
    """What the databases alone tell of."""
    found = []
    for service in SERVICES:
        for name, sql in (*_EVERYWHERE, *_OF_ONE[service]):
            count = await sources.value(service, sql)
            if count:
                found.append(f"{service}: {count} {name}")
        parked = await sources.value(
            service,
            "select count(*) from parked_key where consumer = $1 and not key = any($2::text[])",
            service,
            list(may_rest),
        )
        if parked:
            found.append(f"{service}: {parked} keys parked")
    return found


async def unread(sources: Sources, ends: Mapping[tuple[str, int], int]) -> list[str]:
    """Records that a listener has still to handle; `ends` as they are by now."""
    found = []
    for consumer in SERVICES:
        topics = {event.TOPIC for event in LISTENS[consumer]}
        rows = await sources.rows(
            consumer, "select topic, partition, next_offset from consumer_fence where consumer = $1", consumer
        )
        fences = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        for at, end in sorted(ends.items()):
            behind = end - fences.get(at, 0)
            if at[0] in topics and behind > 0:
                found.append(f"{consumer}: {behind} records of {at[0]}/{at[1]} unread")
    return found
