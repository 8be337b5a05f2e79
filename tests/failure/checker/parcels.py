"""INV-6 and INV-16: as much leaves as was ordered, under one paid label each, and a cancel takes all back."""

import json
from collections import Counter, defaultdict

from .sources import Sources
from .verdict import Judgement

_LINES = "select order_id::text, lines, process from orders"

_LEFT = """
    select e.key as order_id, c->>'line_id' as line_id, p->>'parcel_id' as parcel_id,
           (c->>'units')::int as units
    from event_log e cross join lateral (select convert_from(e.payload, 'UTF8')::jsonb as p) said,
         jsonb_array_elements(p->'contents') c
    where e.topic = 'parcel.shipped'
"""

#: More left than is wanted now, and a person was told why.
_EXPLAINED = """
    select distinct order_id::text from order_exception
    where code in ('withdraw_refused', 'cancel_refused', 'change_refused', 'changed_after_close',
                   'cancelled_after_close')
"""

_LABELS = """
    select shipment_id::text, number, parcel_id::text, state, carrier_ref, tracking_number from label
"""

#: The carrier has taken a void in: the label is worth nothing any more, even while its money is under way.
_VOIDED = frozenset({"submitted", "refunded"})
#: A label that is paid for and not given back, and a person is shown so.
_KNOWN_LOSS = "abandoned"

_CANCELLED = "select order_id::text, version from orders where status = 'cancelled' and version > 0"
_LIVE_ALLOCATIONS = """
    select order_id::text, allocation_id::text, state from allocation
    where state not in ('released', 'expired')
"""
_RELEASES = """
    select e.key as order_id, (p->>'order_version')::int as order_version
    from event_log e cross join lateral (select convert_from(e.payload, 'UTF8')::jsonb as p) said
    where e.topic = 'stock.released' and p->>'released_because' = 'cancelled'
"""
_STOPPED = """
    select e.key as order_id, a as allocation_id, p->>'request' as request
    from event_log e cross join lateral (select convert_from(e.payload, 'UTF8')::jsonb as p) said,
         jsonb_array_elements_text(p->'allocation_ids') a
    where e.topic = 'shipment.cancelled'
"""
_LAST_WORDS = """
    select distinct e.key as order_id
    from event_log e cross join lateral (select convert_from(e.payload, 'UTF8')::jsonb as p) said
    where e.topic = 'shipment.cancelled' and p->>'request' = 'cancel'
      and jsonb_array_length(p->'pending_allocation_ids') = 0
"""
_PUBLISHED = """
    select distinct a.order_id::text, a.allocation_id::text from allocation a
    join allocation_history h using (allocation_id) where h.state = 'published'
"""


async def judge_parcels(sources: Sources, judgement: Judgement) -> None:
    await _no_more_than_ordered(sources, judgement)
    live = await _one_label_each(sources, judgement)
    await _compensated(sources, live, judgement)


async def _no_more_than_ordered(sources: Sources, judgement: Judgement) -> None:
    """INV-6: per line, units that left, less those lost or returned, are at most those still ordered."""
    explained = {row["order_id"] for row in await sources.rows("order", _EXPLAINED)}
    wanted: dict[str, tuple[str, int]] = {}
    back: set[str] = set()
    for row in await sources.rows("order", _LINES):
        for line in json.loads(row["lines"]):
            wanted[line["line_id"]] = (row["order_id"], line["units_ordered"] - line["units_cancelled"])
        parcels = json.loads(row["process"])["parcels"]
        back |= {one for one, parcel in parcels.items() if parcel["state"] in ("returned", "lost")}
    left: Counter[str] = Counter()
    for row in await sources.rows("shipping", _LEFT):
        if row["parcel_id"] not in back:
            left[row["line_id"]] += row["units"]
    for line_id, units in left.items():
        judgement.looked("INV-6", 1)
        order_id, ordered = wanted.get(line_id, ("nobody knows", 0))
        if units > ordered and order_id not in explained:
            judgement.found(
                "INV-6", f"line {line_id} of order {order_id}: {units} units left, {ordered} are ordered"
            )


async def _one_label_each(sources: Sources, judgement: Judgement) -> set[str]:
    """INV-6 and INV-7, in the carrier's own books. Returns the shipments that have a live label there."""
    labels = {f"{row['shipment_id']}/{row['number']}": row for row in await sources.rows("shipping", _LABELS)}
    live: defaultdict[str, list[str]] = defaultdict(list)
    shipments: set[str] = set()
    paid = set()
    for sold in await sources.book("easypost", "shipments"):
        if not sold["bought_at"] or sold["refund_status"] in _VOIDED:
            continue
        judgement.looked("INV-6", 1)
        judgement.looked("INV-7", 1)
        row = labels.get(sold["reference"])
        if row is None:
            judgement.found(
                "INV-7", f"the carrier sold label {sold['id']} for {sold['reference']}, unknown here"
            )
            continue
        paid.add(sold["reference"])
        if row["state"] not in ("bought", _KNOWN_LOSS):
            judgement.found(
                "INV-7", f"label {sold['reference']} is paid for at the carrier, and {row['state']} here"
            )
        if row["state"] != _KNOWN_LOSS:
            live[row["parcel_id"]].append(sold["id"])
            shipments.add(row["shipment_id"])
    for parcel_id, refs in live.items():
        if len(refs) > 1:
            judgement.found("INV-6", f"parcel {parcel_id} has {len(refs)} live labels: {', '.join(refs)}")
    bought = {name for name, row in labels.items() if row["state"] in ("bought", _KNOWN_LOSS)}
    for name in sorted(bought - paid):
        judgement.found("INV-7", f"label {name} is bought here, and the carrier has none that is live")
    judgement.balance("INV-7", "labels we hold, and live labels at the carrier", len(bought), len(paid))
    return shipments


async def _compensated(sources: Sources, live: set[str], judgement: Judgement) -> None:
    """INV-16: what a cancelled order had is free, void and said so, once."""
    allocations: defaultdict[str, list[str]] = defaultdict(list)
    for row in await sources.rows("inventory", _LIVE_ALLOCATIONS):
        allocations[row["order_id"]].append(f"{row['allocation_id']} ({row['state']})")
    released = Counter(row["order_id"] for row in await sources.rows("inventory", _RELEASES))
    stopped: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in await sources.rows("shipping", _STOPPED):
        stopped[row["order_id"]][row["allocation_id"]] += 1
    last_words = {row["order_id"] for row in await sources.rows("shipping", _LAST_WORDS)}
    published: defaultdict[str, set[str]] = defaultdict(set)
    for row in await sources.rows("inventory", _PUBLISHED):
        published[row["order_id"]].add(row["allocation_id"])
    legs: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in await sources.rows(
        "shipping", "select order_id::text, shipment_id::text, state from shipment"
    ):
        legs[row["order_id"]].append((row["shipment_id"], row["state"]))
    for order_id, counted in stopped.items():
        for allocation_id, times in counted.items():
            judgement.looked("INV-16", 1)
            if times > 1:
                judgement.found(
                    "INV-16", f"allocation {allocation_id} of order {order_id} was stopped {times} times"
                )
    for row in await sources.rows("order", _CANCELLED):
        order_id = row["order_id"]
        name = f"cancelled order {order_id}"
        judgement.looked("INV-16", 1)
        if allocations[order_id]:
            judgement.found("INV-16", f"{name} still has allocations {', '.join(allocations[order_id])}")
        if released[order_id] != 1:
            judgement.found("INV-16", f"{name}: stock.released was said {released[order_id]} times")
        if order_id not in last_words:
            judgement.found("INV-16", f"{name}: shipping never said the last word about the cancel")
        if missing := published[order_id] - stopped[order_id].keys():
            judgement.found("INV-16", f"{name}: shipping never gave back allocations {sorted(missing)}")
        for shipment_id, state in legs[order_id]:
            if state != "cancelled":
                judgement.found("INV-16", f"{name}: shipment {shipment_id} is {state}")
            elif shipment_id in live:
                judgement.found("INV-16", f"{name}: shipment {shipment_id} has a live label at the carrier")
