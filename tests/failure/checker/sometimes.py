"""What a run must have met to count: a proof in which nothing ever went wrong has shown nothing."""

from ..system import System

SOMETIMES: tuple[str, ...] = (
    "duplicate delivered",
    "commit failed in a rebalance",
    "saga compensated",
    "relay taken over",
    "batch bisected",
    "key parked",
    "producer rebuilt",
    "epoch raised",
    "outcome unknown",
)


async def count_sometimes(system: System) -> dict[str, int]:
    """How often each of `SOMETIMES` happened, from logs and tables, which survive killed processes."""
    return dict.fromkeys(SOMETIMES, 0)
