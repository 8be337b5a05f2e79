"""Judges a running Crossdock by everybody's books: databases, topics, sandboxes, what clients saw."""

from .judging import judge
from .quiet import quiesced
from .sometimes import SOMETIMES, count_sometimes
from .verdict import Balance, Finding, Judgement
from .watch import Watch

__all__ = [
    "SOMETIMES",
    "Balance",
    "Finding",
    "Judgement",
    "Watch",
    "count_sometimes",
    "judge",
    "quiesced",
]
