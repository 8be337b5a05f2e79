"""The rules of the merchants."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from shipping_service.domain.rules import Rule
from shipping_service.persistence.codec import rule_row, to_rule
from shipping_service.persistence.dispatches import upsert
from shipping_service.use_cases.ports import NotFound

#: More rules than this are not read: nobody can say any more which one comes first.
MAX_RULES = 500

_OF = text(
    "select to_jsonb(r) as row from shipping_rule r where merchant_id = :merchant_id "
    "order by priority, rule_id limit :limit"
).columns(row=JSONB)
_GET = text(
    "select to_jsonb(r) as row from shipping_rule r where merchant_id = :merchant_id and rule_id = :rule_id"
).columns(row=JSONB)
_REMOVE = text("delete from shipping_rule where merchant_id = :merchant_id and rule_id = :rule_id")


class RuleTable:
    """Rules are read once per transaction and merchant."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._read: dict[str, list[Rule]] = {}

    async def of(self, merchant_id: str) -> Sequence[Rule]:
        if merchant_id not in self._read:
            rows = await self._connection.execute(_OF, {"merchant_id": merchant_id, "limit": MAX_RULES})
            self._read[merchant_id] = [to_rule(one.row) for one in rows]
        return self._read[merchant_id]

    async def get(self, merchant_id: str, rule_id: UUID) -> Rule:
        values = {"merchant_id": merchant_id, "rule_id": rule_id}
        row = (await self._connection.execute(_GET, values)).one_or_none()
        if row is None:
            raise NotFound("rule", rule_id)
        return to_rule(row.row)

    async def put(self, rule: Rule) -> None:
        self._read.pop(rule.merchant_id, None)
        await upsert(self._connection, "shipping_rule", "rule_id", [rule_row(rule)], touched=True)

    async def remove(self, merchant_id: str, rule_id: UUID) -> None:
        self._read.pop(merchant_id, None)
        values = {"merchant_id": merchant_id, "rule_id": rule_id}
        if (await self._connection.execute(_REMOVE, values)).rowcount != 1:
            raise NotFound("rule", rule_id)
