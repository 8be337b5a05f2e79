"""Levels are derived: recompute them from the ledger and the reservations and tell where they differ."""

from collections.abc import Sequence

from inventory_service.domain.drift import Drift
from inventory_service.use_cases.ports import Transaction

MOST_REPORTED = 1000


async def check_drift(merchant_id: str, *, tx: Transaction) -> Sequence[Drift]:
    """The levels that do not agree with the rows they come from, at most 1000. Changes nothing.

    One statement sees one moment, so a busy system shows no differences that are not there.
    """
    return await tx.drifts.differences(merchant_id, MOST_REPORTED)
