"""Set-based SQL: one array per column, unnested by the server."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CursorResult,
    DateTime,
    Integer,
    LargeBinary,
    Text,
    TextClause,
    bindparam,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

TEXTS: TypeEngine[Any] = ARRAY(Text)
UUIDS: TypeEngine[Any] = ARRAY(UUID)
INTS: TypeEngine[Any] = ARRAY(Integer)
VERSIONS: TypeEngine[Any] = ARRAY(BigInteger)
BOOLS: TypeEngine[Any] = ARRAY(Boolean)
TIMES: TypeEngine[Any] = ARRAY(DateTime(timezone=True))
JSONS: TypeEngine[Any] = ARRAY(JSONB)
BYTES: TypeEngine[Any] = LargeBinary()


def statement(sql: str, **types: TypeEngine[Any]) -> TextClause:
    """A statement whose named parameters are of these types."""
    return text(sql).bindparams(*(bindparam(name, type_=kind) for name, kind in types.items()))


class RowsStatement:
    """A statement over rows: each named column is one array parameter, rows give values in that order."""

    def __init__(self, sql: str, **columns: TypeEngine[Any]) -> None:
        self._statement = statement(sql, **columns)
        self._names = tuple(columns)

    async def run(self, connection: AsyncConnection, rows: Iterable[tuple[Any, ...]]) -> CursorResult[Any]:
        """`rows` is not empty."""
        sides = zip(*rows, strict=True)
        values = {name: list(side) for name, side in zip(self._names, sides, strict=True)}
        return await connection.execute(self._statement, values)
