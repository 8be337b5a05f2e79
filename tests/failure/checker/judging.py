"""Every invariant over a system that has come to rest."""

from ..history import History
from ..system import System
from .verdict import Judgement


async def judge(system: System, history: History) -> Judgement:
    """To be asked after `quiesced` has answered with nothing: what still moves counts as a finding."""
    judgement = Judgement()
    judgement.not_applicable["INV-17"] = "webhooks do not go out yet"
    return judgement
