"""How shops sign, and who wants no messages."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from notify_service.domain.addresses import fingerprint
from notify_service.use_cases.ports import Profile

_PUT = text(
    """
    insert into sender_profile (merchant_id, account, display_name, default_locale, reply_to, updated_by)
    values (:merchant_id, :account, :display_name, :default_locale, :reply_to, :by)
    on conflict (merchant_id, account) do update set
        display_name = excluded.display_name, default_locale = excluded.default_locale,
        reply_to = excluded.reply_to, updated_by = excluded.updated_by, updated_at = crossdock_now()
    """
)
_PROFILES = text(
    """
    select account, display_name, default_locale, reply_to, updated_at, updated_by from sender_profile
    where merchant_id = :merchant_id and account > :after order by account limit :limit
    """
)
_OPT_OUT = text(
    """
    insert into opt_out (merchant_id, channel, address_sha256, actor_name, reason)
    values (:merchant_id, :channel, :address, :by, :reason) on conflict do nothing
    """
)
_OPT_IN = text(
    """
    delete from opt_out
    where merchant_id = :merchant_id and channel = :channel and address_sha256 = :address
    """
)


async def put_profile(
    connection: AsyncConnection, merchant_id: str, account: str, profile: Profile, *, by: str
) -> None:
    await connection.execute(
        _PUT,
        {
            "merchant_id": merchant_id,
            "account": account,
            "display_name": profile.display_name,
            "default_locale": profile.default_locale,
            "reply_to": profile.reply_to,
            "by": by,
        },
    )


async def list_profiles(
    connection: AsyncConnection, merchant_id: str, *, after: str, limit: int
) -> Sequence[RowMapping]:
    """By account."""
    values = {"merchant_id": merchant_id, "after": after, "limit": limit}
    return (await connection.execute(_PROFILES, values)).mappings().all()


async def opt_out(
    connection: AsyncConnection, merchant_id: str, channel: str, address: str, *, by: str, reason: str
) -> None:
    """Safe to repeat; the first reason is kept."""
    await connection.execute(
        _OPT_OUT,
        {
            "merchant_id": merchant_id,
            "channel": channel,
            "address": fingerprint(address),
            "by": by,
            "reason": reason,
        },
    )


async def opt_in(connection: AsyncConnection, merchant_id: str, channel: str, address: str) -> None:
    """Safe to repeat."""
    values = {"merchant_id": merchant_id, "channel": channel, "address": fingerprint(address)}
    await connection.execute(_OPT_IN, values)
