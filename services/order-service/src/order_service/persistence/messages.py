"""Raw deliveries, untouched."""

import hashlib
import json
from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from order_service.use_cases.ports import Message, NotFound

_ADD = text(
    """
    insert into inbound_message (message_id, merchant_id, platform, account, dedupe_key, topic, headers, body,
                                 body_sha256, state, error, order_id, personal_until)
    values (:message_id, :merchant_id, :platform, :account, :dedupe_key, :topic, cast(:headers as jsonb),
            :body, :body_sha256, :state, :error, :order_id, :personal_until)
    on conflict (merchant_id, platform, account, dedupe_key) do nothing
    returning message_id
    """
).bindparams(
    bindparam("message_id", type_=PgUUID),
    bindparam("order_id", type_=PgUUID),
    bindparam("body", type_=LargeBinary),
    bindparam("body_sha256", type_=LargeBinary),
)
_SETTLE = text(
    "update inbound_message set state = :state, error = :error, order_id = coalesce(:order_id, order_id) "
    "where message_id = :message_id"
).bindparams(bindparam("message_id", type_=PgUUID), bindparam("order_id", type_=PgUUID))
_GET = text(
    """
    select message_id, merchant_id, platform, account, dedupe_key, topic, headers::text as headers, body,
    state,
           error, order_id
    from inbound_message where message_id = :message_id and merchant_id = :merchant_id for update
    """
).bindparams(bindparam("message_id", type_=PgUUID))


class MessageTable:
    """`inbound_message`, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, message: Message, *, personal_until: datetime) -> bool:
        values = {
            "message_id": message.message_id,
            "merchant_id": message.merchant_id,
            "platform": message.platform,
            "account": message.account,
            "dedupe_key": message.dedupe_key,
            "topic": message.topic,
            "headers": json.dumps(dict(message.headers)),
            "body": message.body,
            "body_sha256": hashlib.sha256(message.body).digest(),
            "state": message.state,
            "error": message.error,
            "order_id": message.order_id,
            "personal_until": personal_until,
        }
        return (await self._connection.execute(_ADD, values)).scalar_one_or_none() is not None

    async def get(self, merchant_id: str, message_id: UUID) -> Message:
        values = {"merchant_id": merchant_id, "message_id": message_id}
        row = (await self._connection.execute(_GET, values)).mappings().one_or_none()
        if row is None or row["body"] is None:
            raise NotFound("message", str(message_id))
        return Message(**{**row, "headers": json.loads(row["headers"])})

    async def settle(
        self, message_id: UUID, *, state: str, order_id: UUID | None, error: str | None = None
    ) -> None:
        values = {"message_id": message_id, "state": state, "order_id": order_id, "error": error}
        await self._connection.execute(_SETTLE, values)
