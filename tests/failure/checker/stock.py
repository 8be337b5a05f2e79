"""INV-3, INV-4, INV-5: nothing is sold twice, the ledger explains every level, allocations end once."""

from collections import Counter
from collections.abc import Sequence

import asyncpg

from .sources import Sources
from .verdict import Judgement

#: What must never be seen of a level, whatever goes on.
OVERSOLD = """
    select merchant_id, sku, warehouse, lot, condition, on_hand, reserved, short from stock_level
    where on_hand < 0 or reserved < 0 or short < 0 or reserved > on_hand + short
"""

_LEVELS = """
    select l.sku, l.warehouse, l.lot, l.condition, l.on_hand, l.reserved, l.short,
           coalesce(m.units, 0)::int as booked, coalesce(a.held, 0)::int as held
    from stock_level l
    left join (select merchant_id, sku, warehouse, lot, condition, sum(units) as units
               from stock_movement group by 1, 2, 3, 4, 5) m
        using (merchant_id, sku, warehouse, lot, condition)
    left join (select merchant_id, sku, warehouse, '-' as lot, 'sellable' as condition,
                      sum(units - consumed) as held
               from allocation where state in ('reserved', 'published', 'withdrawing') group by 1, 2, 3) a
        using (merchant_id, sku, warehouse, lot, condition)
    order by 1, 2, 3, 4
"""

_UNLEVELLED = """
    select sku, warehouse, sum(units)::int as units from stock_movement m
    where not exists (select from stock_level l where (l.merchant_id, l.sku, l.warehouse, l.lot, l.condition)
                      = (m.merchant_id, m.sku, m.warehouse, m.lot, m.condition))
    group by 1, 2
"""

_KINDS = "select kind, sum(units)::int as units from stock_movement group by kind"

_ENDS = """
    select a.allocation_id::text, a.order_id::text, a.state, a.units, a.consumed,
           coalesce(h.ends, 0)::int as ends, h.last, coalesce(m.shipped, 0)::int as shipped
    from allocation a
    left join (select allocation_id, (array_agg(state order by n desc))[1] as last,
                      count(*) filter (where state in ('consumed', 'released', 'expired')) as ends
               from allocation_history group by 1) h using (allocation_id)
    left join (select allocation_id, -sum(units) as shipped
               from stock_movement where kind = 'shipped' group by 1) m using (allocation_id)
"""

ENDED = frozenset({"consumed", "released", "expired"})


def oversold(rows: Sequence[asyncpg.Record]) -> list[str]:
    return [
        f"{row['sku']} in {row['warehouse']}: {row['reserved']} reserved, {row['on_hand']} on hand, "
        f"{row['short']} short"
        for row in rows
    ]


async def judge_stock(sources: Sources, judgement: Judgement) -> None:
    for text in oversold(await sources.rows("inventory", OVERSOLD)):
        judgement.found("INV-3", text)
    await _conserved(sources, judgement)
    await _ended_once(sources, judgement)


async def _conserved(sources: Sources, judgement: Judgement) -> None:
    """INV-4: a level is the sum of its movements, what is reserved is the sum of what is allocated."""
    on_hand = 0
    for row in await sources.rows("inventory", _LEVELS):
        judgement.looked("INV-3", 1)
        judgement.looked("INV-4", 1)
        name = f"{row['sku']} in {row['warehouse']} ({row['condition']})"
        on_hand += row["on_hand"]
        if row["on_hand"] != row["booked"]:
            judgement.found("INV-4", f"{name}: {row['on_hand']} on hand, the ledger says {row['booked']}")
        if row["reserved"] != row["held"]:
            judgement.found("INV-4", f"{name}: {row['reserved']} reserved, {row['held']} allocated")
        if row["short"] != max(0, row["reserved"] - row["on_hand"]):
            judgement.found(
                "INV-4",
                f"{name}: {row['short']} short, with {row['reserved']} reserved of {row['on_hand']}",
            )
    for row in await sources.rows("inventory", _UNLEVELLED):
        judgement.found("INV-4", f"{row['sku']} in {row['warehouse']}: {row['units']} moved, and no level")
    units: Counter[str] = Counter()
    for row in await sources.rows("inventory", _KINDS):
        units[row["kind"]] = row["units"]
    came = units["receipt"] + units["return"] + units["adjustment"]
    judgement.balance(
        "INV-4",
        "units received, returned, adjusted, less shipped, and on hand",
        came + units["shipped"],
        on_hand,
    )


async def _ended_once(sources: Sources, judgement: Judgement) -> None:
    """INV-5, by the allocations' own history and by the ledger."""
    consumed = shipped = 0
    for row in await sources.rows("inventory", _ENDS):
        judgement.looked("INV-5", 1)
        name = f"allocation {row['allocation_id']} of order {row['order_id']}"
        consumed += row["consumed"]
        shipped += row["shipped"]
        if row["ends"] != (row["state"] in ENDED):
            judgement.found("INV-5", f"{name} is {row['state']} and ended {row['ends']} times")
        elif row["last"] != row["state"]:
            judgement.found("INV-5", f"{name} is {row['state']}, its history says {row['last']}")
        if row["consumed"] != row["shipped"]:
            judgement.found(
                "INV-5", f"{name}: {row['consumed']} units consumed, {row['shipped']} in the ledger"
            )
        if row["state"] in ("released", "expired") and row["shipped"]:
            judgement.found("INV-5", f"{name} is {row['state']}, and {row['shipped']} units of it left")
    judgement.balance(
        "INV-5", "units consumed by allocations, and units the ledger let go", consumed, shipped
    )
