"""INV-12, INV-13, INV-15: every event has its effect once, and what cannot be read harms nobody else."""

from collections import Counter, defaultdict

from crossdock_contracts.subscriptions import LISTENS

from ..history import History
from .evidence import Evidence
from .sources import SERVICES, Sources
from .topics import committed_offsets
from .verdict import Judgement

_SHIPPED_CONTENTS = """
    select p->>'parcel_id' as parcel, c->>'allocation_id' as allocation, (c->>'units')::int as units
    from event_log e cross join lateral (select convert_from(e.payload, 'UTF8')::jsonb as p) said,
         jsonb_array_elements(p->'contents') c
    where e.topic = 'parcel.shipped'
"""

_MOVEMENTS = """
    select reference as parcel, allocation_id::text as allocation, units
    from stock_movement where kind = 'shipped'
"""


async def judge_handling(
    sources: Sources, evidence: Evidence, history: History, judgement: Judgement
) -> None:
    await _handled(sources, evidence, history, judgement)
    await _moved_once(sources, judgement)
    await _fences(sources, evidence, judgement)
    await _parked(sources, history, judgement)


async def _handled(sources: Sources, evidence: Evidence, history: History, judgement: Judgement) -> None:
    """INV-12: every listener has claimed every event, and nothing that nobody said."""
    said = {one.event_id for one in evidence.events}
    strange = {one.event_id for one in history.injected}  # its record may be deleted from the topic by now
    for consumer in SERVICES:
        topics = {event.TOPIC for event in LISTENS[consumer]}
        inbox = await sources.rows(consumer, "select event_id::text from inbox where consumer = $1", consumer)
        claimed = Counter(row["event_id"] for row in inbox)
        for one in evidence.events:
            if one.topic in topics:
                judgement.looked("INV-12", 1)
                if one.event_id not in claimed:
                    judgement.found(
                        "INV-12", f"{consumer} never handled {one.topic} {one.event_id} of {one.key}"
                    )
        for event_id, times in claimed.items():
            if times > 1:
                judgement.found("INV-12", f"{consumer} handled event {event_id} {times} times")
            if event_id not in said and event_id not in strange:
                judgement.found("INV-12", f"{consumer} handled event {event_id}, which nobody committed")


async def _moved_once(sources: Sources, judgement: Judgement) -> None:
    """INV-12: each allocation in a parcel that left is one movement of the ledger, of as many units."""
    left: Counter[tuple[str, str]] = Counter()
    for row in await sources.rows("shipping", _SHIPPED_CONTENTS):
        left[row["parcel"], row["allocation"]] = row["units"]
    moved: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for row in await sources.rows("inventory", _MOVEMENTS):
        moved[row["parcel"], row["allocation"]].append(-row["units"])
    for at in sorted(left.keys() | moved.keys()):
        judgement.looked("INV-12", 1)
        parcel, allocation = at
        if moved.get(at) != [left[at]]:
            judgement.found(
                "INV-12",
                f"parcel {parcel} left with {left[at]} units of allocation {allocation}, "
                f"and the ledger has {moved.get(at, [])}",
            )
    judgement.balance(
        "INV-12",
        "units that left in parcels, and units the ledger let go",
        sum(left.values()),
        sum(map(sum, moved.values())),
    )


async def _fences(sources: Sources, evidence: Evidence, judgement: Judgement) -> None:
    """INV-13: nobody told the broker of more than is done, and no fence lies behind the end of its log."""
    for consumer in SERVICES:
        rows = await sources.rows(
            consumer, "select topic, partition, next_offset from consumer_fence where consumer = $1", consumer
        )
        fences = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        committed = await committed_offsets(sources.system, consumer, fences)
        for at, offset in fences.items():
            judgement.looked("INV-13", 1)
            if committed.get(at, 0) > offset:
                judgement.found(
                    "INV-13",
                    f"{consumer} committed offset {committed[at]} of {at[0]}/{at[1]}, "
                    f"its fence is at {offset}",
                )
            if at in evidence.ends and offset > evidence.ends[at]:
                judgement.found(
                    "INV-13",
                    f"{consumer}'s fence of {at[0]}/{at[1]} is at {offset}, "
                    f"the log ends at {evidence.ends[at]}",
                )


#: What `crossdock_faults` raises at a named place: a defect to the product, and parked like one.
RAISED_ON_PURPOSE = "InjectedFault"


async def _parked(sources: Sources, history: History, judgement: Judgement) -> None:
    """INV-15: only keys that the proof poisoned, or where it raised an exception, were ever parked, in their
    order, and only poison rests.
    """
    poison = [one for one in history.injected if one.poison]
    places = {(one.topic, one.partition, one.offset) for one in poison}
    events = {(one.topic, one.event_id) for one in poison if one.offset is None}
    keys = {one.key for one in poison}
    for consumer in SERVICES:
        parked = await sources.rows(
            consumer, "select key, error_type, fingerprint from parked_key where consumer = $1", consumer
        )
        audited = await sources.rows(
            consumer, "select key, error_type, fingerprint from parked_audit where consumer = $1", consumer
        )
        for row in (*parked, *audited):
            judgement.looked("INV-15", 1)
            if row["error_type"] == RAISED_ON_PURPOSE:
                continue
            if row["key"] not in keys and not row["key"].startswith(("no-key:", "sha256:")):
                judgement.found(
                    "INV-15",
                    f"{consumer} parked key {row['key']}, which nobody poisoned: {row['error_type']} "
                    f"(fingerprint {row['fingerprint']})",
                )
        last: dict[tuple[str, str, int], int] = {}
        for row in await sources.rows(
            consumer,
            'select key, topic, partition, "offset", event_id::text from parked_event'
            " where consumer = $1 order by key, n",
            consumer,
        ):
            judgement.looked("INV-15", 1)
            at = (row["key"], row["topic"], row["partition"])
            where = f"{row['topic']}/{row['partition']}@{row['offset']} of key {row['key']}"
            if row["offset"] <= last.get(at, -1):
                judgement.found("INV-15", f"{consumer} parked {where} behind offset {last[at]}")
            last[at] = row["offset"]
            is_poison = (row["topic"], row["partition"], row["offset"]) in places
            if not is_poison and (row["topic"], row["event_id"]) not in events:
                judgement.found("INV-15", f"{consumer} still keeps {where}, an event that is no poison")
