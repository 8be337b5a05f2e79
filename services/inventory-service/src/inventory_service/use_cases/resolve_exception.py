"""A person has dealt with a surprise."""

from uuid import UUID

from inventory_service.domain.errors import ExceptionUnknown
from inventory_service.use_cases.ports import Transaction


async def resolve_exception(
    merchant_id: str, exception_id: UUID, *, by: str, resolution: str, tx: Transaction
) -> None:
    """Close it with a word on what was done. Repeated, the first word stays. Raises ExceptionUnknown."""
    if not await tx.exceptions.resolve(merchant_id, exception_id, by=by, resolution=resolution):
        raise ExceptionUnknown(exception_id)
