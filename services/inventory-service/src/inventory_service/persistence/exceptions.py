"""Surprises that a person closes."""

from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

_RESOLVE = text(
    """
    update stock_exception
    set state = 'resolved', resolved_at = coalesce(resolved_at, crossdock_clock()),
        resolved_by = coalesce(resolved_by, :by), resolution = coalesce(resolution, :resolution)
    where merchant_id = :merchant_id and exception_id = :exception_id
    """
).bindparams(bindparam("exception_id", type_=Uuid))


class Exceptions:
    """See `use_cases.ports.Exceptions`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def resolve(self, merchant_id: str, exception_id: UUID, *, by: str, resolution: str) -> bool:
        values = {
            "merchant_id": merchant_id,
            "exception_id": exception_id,
            "by": by,
            "resolution": resolution,
        }
        return (await self._connection.execute(_RESOLVE, values)).rowcount == 1
