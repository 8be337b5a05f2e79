"""Messages and their log."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from notify_service.domain.errors import MessageUnknown
from notify_service.domain.messages import Message
from notify_service.persistence.arrays import INTS, JSONS, TEXTS, TIMES, UUIDS, RowsStatement, statement
from notify_service.persistence.codec import (
    MESSAGE_COLUMNS,
    ORDER_COLUMNS,
    PARCEL_COLUMNS,
    facts_json,
    message_of,
    order_of,
    parcel_of,
)
from notify_service.use_cases.ports import NO_REPLIES, Due, Entry, Profile

MAX_REPLY_CHARS = 200

_ADD = RowsStatement(
    """
    insert into message (message_id, merchant_id, order_id, template, subject, channel, revision, state, code,
                         facts, waiting_since)
    select * from unnest(:ids, :merchants, :orders, :templates, :subjects, :channels, :revisions, :states,
                         :codes, :facts, :since) as v (message_id) order by message_id
    on conflict (merchant_id, order_id, template, subject, channel, revision) do nothing
    returning message_id
    """,
    ids=UUIDS,
    merchants=TEXTS,
    orders=UUIDS,
    templates=TEXTS,
    subjects=TEXTS,
    channels=TEXTS,
    revisions=INTS,
    states=TEXTS,
    codes=TEXTS,
    facts=JSONS,
    since=TIMES,
)
_LOCK = statement(
    f"select {MESSAGE_COLUMNS} from message"  # noqa: S608 - constants
    " where merchant_id = :merchant_id and message_id = :message_id for update",
    message_id=PgUUID(),
)


def _prefixed(table: str, columns: str) -> str:
    return ", ".join(f"{table}.{one} as {table}_{one}" for one in columns.split(", "))


_LOCK_DUE = statement(
    f"""
    select {_prefixed("message", MESSAGE_COLUMNS)}, {_prefixed("known_order", ORDER_COLUMNS)},
           {_prefixed("parcel", PARCEL_COLUMNS)},
           profile.display_name, profile.default_locale, profile.reply_to,
           exists (
               select from opt_out where opt_out.merchant_id = message.merchant_id
                   and opt_out.channel = message.channel
                   and address_sha256 = sha256(convert_to(lower(trim(known_order.email)), 'UTF8'))
           ) as opted_out
    from message
    join known_order on known_order.order_id = message.order_id
    left join parcel on parcel.parcel_id = (message.facts ->> 'parcel_id')::uuid
    left join lateral (
        select display_name, default_locale, reply_to from sender_profile
        where sender_profile.merchant_id = message.merchant_id and account in (known_order.account, '*')
        order by account = '*' limit 1
    ) as profile on true
    where message.message_id = any(:ids)
    order by message.message_id for update of message
    """,  # noqa: S608 - constants
    ids=UUIDS,
)
_SAVE = RowsStatement(
    """
    update message set
        state = v.state, code = v.code, locale = v.locale, attempts = v.attempts,
        waiting_since = v.waiting_since, server_reply = coalesce(v.reply, server_reply),
        attempt_started_at =
            case when v.state = 'sending' then statement_timestamp() else attempt_started_at end,
        sent_at = case when v.state = 'sent' then statement_timestamp() else sent_at end,
        updated_at = statement_timestamp()
    from unnest(:ids, :states, :codes, :locales, :attempts, :since, :replies)
         as v (message_id, state, code, locale, attempts, waiting_since, reply)
    where message.message_id = v.message_id
    """,
    ids=UUIDS,
    states=TEXTS,
    codes=TEXTS,
    locales=TEXTS,
    attempts=INTS,
    since=TIMES,
    replies=TEXTS,
)
_PROFILE = text(
    """
    select display_name, default_locale, reply_to from sender_profile
    where merchant_id = :merchant_id and account in (:account, '*') order by account = '*' limit 1
    """
)


class MessageTable:
    """What is saved is collected and written by `flush`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._saved: dict[UUID, Message] = {}
        self._replies: dict[UUID, str] = {}

    async def add(self, messages: Sequence[Message]) -> Collection[UUID]:
        rows = [
            (
                one.message_id,
                one.merchant_id,
                one.order_id,
                one.template.value,
                one.subject,
                one.channel,
                one.revision,
                one.state.value,
                one.code,
                facts_json(one.facts),
                one.waiting_since,
            )
            for one in messages
        ]
        return set((await _ADD.run(self._connection, rows)).scalars())

    async def lock(self, merchant_id: str, message_id: UUID) -> Message:
        values = {"merchant_id": merchant_id, "message_id": message_id}
        row = (await self._connection.execute(_LOCK, values)).mappings().one_or_none()
        if row is None:
            raise MessageUnknown(message_id)
        return message_of(row)

    async def lock_due(self, message_ids: Collection[UUID]) -> Mapping[UUID, Due]:
        if not message_ids:
            return {}
        found = (await self._connection.execute(_LOCK_DUE, {"ids": list(message_ids)})).mappings()
        due = {row["message_message_id"]: _due(row) for row in found}
        for one in message_ids:
            if one not in due:
                raise MessageUnknown(one)
        return due

    async def save(self, messages: Sequence[Message], *, replies: Mapping[UUID, str] = NO_REPLIES) -> None:
        self._saved |= {one.message_id: one for one in messages}
        self._replies |= replies

    async def flush(self) -> None:
        rows = [
            (
                one.message_id,
                one.state.value,
                one.code,
                one.locale,
                one.attempts,
                one.waiting_since,
                self._replies.get(one.message_id, "")[:MAX_REPLY_CHARS] or None,
            )
            for _, one in sorted(self._saved.items())
        ]
        if rows:
            await _SAVE.run(self._connection, rows)

    async def profile(self, merchant_id: str, account: str) -> Profile:
        """The account's profile, else the merchant's, else an empty one."""
        found = await self._connection.execute(_PROFILE, {"merchant_id": merchant_id, "account": account})
        row = found.one_or_none()
        return Profile() if row is None else Profile(*row)


def _due(row: Mapping[Any, Any]) -> Due:
    return Due(
        message=message_of(_part(row, "message")),
        order=order_of(_part(row, "known_order")),
        parcel=None if row["parcel_parcel_id"] is None else parcel_of(_part(row, "parcel")),
        profile=Profile(row["display_name"], row["default_locale"], row["reply_to"]),
        opted_out=row["opted_out"],
    )


def _part(row: Mapping[Any, Any], table: str) -> Mapping[str, Any]:
    return {
        name.removeprefix(f"{table}_"): value for name, value in row.items() if name.startswith(f"{table}_")
    }


_LOG = RowsStatement(
    """
    insert into delivery_log (merchant_id, message_id, what, code, attempt, actor_kind, actor_name, reason,
                              cause_event_id)
    select * from unnest(:merchants, :messages, :whats, :codes, :attempts, :kinds, :names, :reasons, :causes)
    """,
    merchants=TEXTS,
    messages=UUIDS,
    whats=TEXTS,
    codes=TEXTS,
    attempts=INTS,
    kinds=TEXTS,
    names=TEXTS,
    reasons=TEXTS,
    causes=UUIDS,
)


class DeliveryLogTable:
    """What is added is collected and written by `flush`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._entries: list[Entry] = []

    async def add(self, entries: Sequence[Entry]) -> None:
        self._entries += entries

    async def flush(self) -> None:
        rows = [
            (
                one.message.merchant_id,
                one.message.message_id,
                one.what,
                one.code,
                one.message.attempts,
                one.actor.kind.value,
                one.actor.name,
                one.reason,
                one.cause.event_id,
            )
            for one in self._entries
        ]
        if rows:
            await _LOG.run(self._connection, rows)
