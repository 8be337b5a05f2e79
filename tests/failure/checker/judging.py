"""Every invariant over a system that has come to rest."""

from ..history import History
from ..system import System
from .agreement import judge_agreement
from .causation import judge_causation
from .evidence import gather
from .handling import judge_handling
from .orders import judge_orders
from .parcels import judge_parcels
from .publishing import judge_publishing
from .quiet import unread, unrest
from .sources import open_sources
from .stock import judge_stock
from .transitions import judge_transitions
from .verdict import Judgement

#: What `judge` looks at. The others are `Watch`'s: INV-23 and INV-24, and again 3, 8, 11 and 13.
INVARIANTS = tuple(f"INV-{n}" for n in (*range(1, 17), 18, 20, 25))


async def judge(system: System, history: History) -> Judgement:
    """To be asked after `quiesced` has answered with nothing: what still moves counts as a finding."""
    judgement = Judgement()
    judgement.looked_at.update(dict.fromkeys(INVARIANTS, 0))
    judgement.not_applicable["INV-17"] = "webhooks do not go out yet"
    poisoned = {one.key for one in history.injected if one.poison and one.key is not None}
    async with open_sources(system) as sources:
        evidence = await gather(sources, history)
        judgement.looked("INV-14", 1)
        for moving in (*await unrest(sources, poisoned), *await unread(sources, evidence.ends)):
            judgement.found("INV-14", moving)
        judge_publishing(evidence, judgement)
        await judge_handling(sources, evidence, history, judgement)
        await judge_causation(sources, evidence, judgement)
        await judge_orders(sources, history, judgement)
        await judge_stock(sources, judgement)
        await judge_parcels(sources, judgement)
        await judge_agreement(sources, judgement)
        await judge_transitions(sources, judgement)
    return judgement
