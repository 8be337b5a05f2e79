"""How a state answers an event; both state tables are written in these words."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar


class Reaction(StrEnum):
    APPLY = "apply"
    IGNORE = "ignore"  # a repeat, or older than what is known
    DEFER = "defer"  # too early: kept and offered again after each transition
    COMPENSATE = "compensate"  # too late: something has to be undone
    EXCEPTION = "exception"  # a surprise: a person sees it; a fact is applied all the same


State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Move(Generic[State]):
    """`to` None: the state stays. `code` names the exception a person will see."""

    reaction: Reaction
    to: State | None = None
    code: str | None = None


def apply(to: State | None = None) -> "Move[State]":
    return Move(Reaction.APPLY, to)


def surprise(code: str, to: State | None = None) -> "Move[State]":
    return Move(Reaction.EXCEPTION, to, code)


def compensate(code: str, to: State | None = None) -> "Move[State]":
    return Move(Reaction.COMPENSATE, to, code)
