"""Raw deliveries, untouched."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, LargeBinary, Text, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from order_service.use_cases.ports import Message, NotFound, Settled, Shop

# In one order for everybody, so that two transactions cannot wait for each other's deliveries.
_ADD = text(
    """
    insert into inbound_message (message_id, merchant_id, platform, account, dedupe_key, topic, headers, body,
                                 body_sha256, state, error, order_id, external_id,
                                 personal_until)
    select message_id, merchant_id, platform, account, dedupe_key, topic, cast(headers as jsonb), body,
           body_sha256, state, error, order_id, external_id, :personal_until
    from unnest(:message_ids, :merchant_ids, :platforms, :accounts, :dedupe_keys, :topics, :headers, :bodies,
                :bodies_sha256, :states, :errors, :order_ids, :external_ids)
         as n (message_id, merchant_id, platform, account, dedupe_key, topic, headers, body, body_sha256,
               state, error, order_id, external_id)
    order by merchant_id, platform, account, dedupe_key
    on conflict (merchant_id, platform, account, dedupe_key) do nothing
    returning message_id
    """
).bindparams(
    bindparam("message_ids", type_=ARRAY(PgUUID)),
    bindparam("merchant_ids", type_=ARRAY(Text)),
    bindparam("platforms", type_=ARRAY(Text)),
    bindparam("accounts", type_=ARRAY(Text)),
    bindparam("dedupe_keys", type_=ARRAY(Text)),
    bindparam("topics", type_=ARRAY(Text)),
    bindparam("headers", type_=ARRAY(Text)),
    bindparam("bodies", type_=ARRAY(LargeBinary)),
    bindparam("bodies_sha256", type_=ARRAY(LargeBinary)),
    bindparam("states", type_=ARRAY(Text)),
    bindparam("errors", type_=ARRAY(Text)),
    bindparam("order_ids", type_=ARRAY(PgUUID)),
    bindparam("external_ids", type_=ARRAY(Text)),
    bindparam("personal_until", type_=DateTime(timezone=True)),
)
_SETTLE = text(
    """
    update inbound_message m set
        state = n.state, error = n.error, order_id = coalesce(n.order_id, m.order_id),
        external_id = coalesce(n.external_id, m.external_id)
    from unnest(:message_ids, :states, :errors, :order_ids, :external_ids)
         as n (message_id, state, error, order_id, external_id)
    where m.message_id = n.message_id
    """
).bindparams(
    bindparam("message_ids", type_=ARRAY(PgUUID)),
    bindparam("states", type_=ARRAY(Text)),
    bindparam("errors", type_=ARRAY(Text)),
    bindparam("order_ids", type_=ARRAY(PgUUID)),
    bindparam("external_ids", type_=ARRAY(Text)),
)
_GET = text(
    """
    select message_id, merchant_id, platform, account, dedupe_key, topic, headers::text as headers, body,
    state,
           error, order_id, external_id
    from inbound_message where message_id = :message_id and merchant_id = :merchant_id for update
    """
).bindparams(bindparam("message_id", type_=PgUUID))
_FETCHING = text(
    """
    select message_id, order_id from inbound_message
    where merchant_id = :merchant_id and account = :account and external_id = :external_id
      and state = 'fetching'
    """
)


class MessageTable:
    """`inbound_message`, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, messages: Sequence[Message], *, personal_until: datetime) -> set[UUID]:
        values = {
            "message_ids": [one.message_id for one in messages],
            "merchant_ids": [one.merchant_id for one in messages],
            "platforms": [one.platform for one in messages],
            "accounts": [one.account for one in messages],
            "dedupe_keys": [one.dedupe_key for one in messages],
            "topics": [one.topic for one in messages],
            "headers": [json.dumps(dict(one.headers)) for one in messages],
            "bodies": [one.body for one in messages],
            "bodies_sha256": [hashlib.sha256(one.body).digest() for one in messages],
            "states": [one.state for one in messages],
            "errors": [one.error for one in messages],
            "order_ids": [one.order_id for one in messages],
            "external_ids": [one.external_id for one in messages],
            "personal_until": personal_until,
        }
        return set((await self._connection.execute(_ADD, values)).scalars())

    async def get(self, merchant_id: str, message_id: UUID) -> Message:
        values = {"merchant_id": merchant_id, "message_id": message_id}
        row = (await self._connection.execute(_GET, values)).mappings().one_or_none()
        if row is None or row["body"] is None:
            raise NotFound("message", str(message_id))
        return Message(**{**row, "headers": json.loads(row["headers"])})

    async def settle(self, settled: Sequence[Settled]) -> None:
        if not settled:
            return
        values = {
            "message_ids": [one.message_id for one in settled],
            "states": [one.state for one in settled],
            "errors": [one.error for one in settled],
            "order_ids": [one.order_id for one in settled],
            "external_ids": [one.external_id for one in settled],
        }
        await self._connection.execute(_SETTLE, values)

    async def fetching(self, shop: Shop, external_id: str) -> dict[UUID, UUID | None]:
        values = {**shop._asdict(), "external_id": external_id}
        rows = await self._connection.execute(_FETCHING, values)
        return {row.message_id: row.order_id for row in rows}
