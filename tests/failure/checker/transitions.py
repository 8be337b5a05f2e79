"""INV-8: histories walk only along the edges of the state tables, and nothing leaves an end."""

from collections.abc import Iterable, Mapping, Set

from inventory_service.domain.allocation import MOVES as ALLOCATION_MOVES
from notify_service.domain.messages import MOVES as MESSAGE_MOVES
from order_service.domain.order_table import MOVES as ORDER_MOVES
from shipping_service.domain.leg_table import LEG_TABLE, LegState

from .sources import Sources
from .verdict import Judgement

Edges = Mapping[str, Set[str]]

ORDER_EDGES: Edges = {state.value: {one.value for one in targets} for state, targets in ORDER_MOVES.items()}
LEG_EDGES: Edges = {
    "" if state is LegState.ABSENT else state.value: {
        move.target.value for move in moves.values() if move.target is not None
    }
    for state, moves in LEG_TABLE.items()
}
ALLOCATION_EDGES: Edges = {
    "": {"reserved", "published"},
    **{state.value: {one.value for one in targets} for state, targets in ALLOCATION_MOVES.items()},
}
MESSAGE_EDGES: Edges = {
    "": {"waiting", "suppressed"},
    **{state.value: {one.value for one in targets} for state, targets in MESSAGE_MOVES.items()},
}

#: One row per thing: its id, its state now, its states as the history tells them, in their order.
_WALKS: Mapping[str, tuple[str, str, Edges]] = {
    "order": (
        "order",
        """
        select o.order_id::text as id, o.status as state,
               array_agg(substr(h.what, 7) order by h.n) filter (where h.what = any(
                   '{order.open,order.held,order.cancelling,order.cancelled,order.closed}')) as walk
        from orders o left join order_history h using (order_id) where o.version > 0 group by o.order_id
        """,
        ORDER_EDGES,
    ),
    "allocation": (
        "inventory",
        """
        select a.allocation_id::text as id, a.state, array_agg(h.state order by h.n) as walk
        from allocation a left join allocation_history h using (allocation_id) group by a.allocation_id
        """,
        ALLOCATION_EDGES,
    ),
    "shipment": (
        "shipping",
        """
        select s.shipment_id::text as id, s.state,
               array_agg(h.what order by h.n) filter (where h.what = any(
                   '{planned,buying,outcome_unknown,labelled,handed_over,cancelling,cancelled,needs_repair,closed}'
               )) as walk
        from shipment s left join shipment_history h using (shipment_id) group by s.shipment_id
        """,
        LEG_EDGES,
    ),
    "message": (
        "notify",
        """
        select m.message_id::text as id, m.state, array_agg(case l.what
                   when 'planned' then 'waiting' when 'not_sent' then 'waiting' when 'retried' then 'waiting'
                   when 'attempt_started' then 'sending' when 'accepted' then 'sent'
                   when 'marked_sent' then 'sent' when 'refused' then 'failed' when 'gave_up' then 'failed'
                   else l.what end order by l.n) as walk
        from message m left join delivery_log l using (message_id) group by m.message_id
        """,
        MESSAGE_EDGES,
    ),
}

#: Nobody is told of an order that was over before it was imported; all others are told of.
_UNTOLD = "select order_id::text as id, status from orders where version = 0 and status <> 'cancelled'"

#: The version an order's history tells of never falls, and the newest is the order's own.
_VERSIONS = """
    select order_id::text as id, o.version,
           array_agg(h.version order by h.n) filter (where h.version > 0) as versions
    from orders o left join order_history h using (order_id) group by o.order_id
"""


async def judge_transitions(sources: Sources, judgement: Judgement) -> None:
    for kind, (service, sql, edges) in _WALKS.items():
        for row in await sources.rows(service, sql):
            judgement.looked("INV-8", 1)
            wrong = wrong_step(
                row["walk"] or (), row["state"], edges, first="open" if kind == "order" else ""
            )
            if wrong is not None:
                judgement.found("INV-8", f"{kind} {row['id']} {wrong}")
    for row in await sources.rows("order", _UNTOLD):
        judgement.found("INV-8", f"order {row['id']} is {row['status']}, and nobody was told of it")
    for row in await sources.rows("order", _VERSIONS):
        judgement.looked("INV-8", 1)
        versions = row["versions"] or []
        if versions != sorted(versions):
            judgement.found("INV-8", f"order {row['id']} went through versions {_shown(versions)}")
        if versions and max(versions) > row["version"]:
            judgement.found(
                "INV-8", f"order {row['id']} is at version {row['version']}, its history at {max(versions)}"
            )


def wrong_step(walk: Iterable[str], now: str, edges: Edges, *, first: str = "") -> str | None:
    """What is wrong with a way through the states; None when it is legal. `first`: where it begins."""
    state = first
    for target in walk:
        if target == state:
            continue
        if target not in edges.get(state, ()):
            return f"went from {state or 'nothing'} to {target}"
        state = target
    if state != now:
        return f"is {now}, its history ends with {state or 'nothing'}"
    return None


def _shown(versions: Iterable[int]) -> str:
    return ", ".join(map(str, list(versions)[:20]))
