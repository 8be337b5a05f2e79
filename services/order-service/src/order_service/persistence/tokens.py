"""`account_token`: what calls for an account are made with where the platform gives it for a while.

One pair is replaced once: the job that buys the next one is named after the pair's version, and what it
bought is stored only over that version. While an account waits for it, nobody calls for the account.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ARRAY, DateTime, LargeBinary, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.jobs import Jobs
from order_service.persistence.sealing import Sealer
from order_service.use_cases.ports import Account, Tokens

REFRESH_JOB: Final = "marketplace.refresh_tokens"
#: Why an account's calls are paused while there is no good token; another reason is somebody else's.
AWAITED: Final = "waits for a new access token"
#: Accounts that are looked at at once.
A_LOOK = 500
#: A token that is refused so soon after we bought it is not what is wrong.
YOUNG_S = 60.0

# The row is locked, whether or not there is a pair yet: who finds it expired and who stores the next one take
# turns, or calls would be paused after the token has come.
_LOCK = text(
    """
    insert into account_token as t (merchant_id, account) values (:merchant_id, :account)
    on conflict (merchant_id, account) do update set version = t.version
    returning version, refused_because,
              coalesce(refreshed_at > crossdock_now() - make_interval(secs => :young_s), false) as young
    """
)
_STORE = text(
    """
    update account_token set sealed = :sealed, expires_at = :expires_at, version = version + 1,
                             refreshed_at = case when :refreshed then crossdock_now() end,
                             refused_because = null, updated_at = crossdock_now()
    where merchant_id = :merchant_id and account = :account
    """
).bindparams(bindparam("sealed", type_=LargeBinary), bindparam("expires_at", type_=DateTime(timezone=True)))
_REFUSE = text(
    """
    update account_token set refused_because = :code, updated_at = crossdock_now()
    where merchant_id = :merchant_id and account = :account
    """
)
_TRY_AGAIN = text(
    """
    update account_token set refused_because = null, version = version + 1, updated_at = crossdock_now()
    where merchant_id = :merchant_id and account = :account and refused_because is not null
    """
)
_EXPIRING = text(
    """
    select merchant_id, account, platform, version
    from account_token join account using (merchant_id, account)
    where expires_at < crossdock_now() + make_interval(secs => :within_s) and refused_because is null
      and active and platform = any(:platforms)
    order by expires_at limit :limit
    """
).bindparams(bindparam("platforms", type_=ARRAY(Text)))


@dataclass(frozen=True, slots=True)
class Pair:
    """Whose tokens; `version` counts the pairs."""

    merchant_id: str
    account: str
    platform: str
    version: int

    @classmethod
    def of(cls, account: Account) -> "Pair":
        return cls(account.merchant_id, account.account, account.platform, account.token_version)


class TokenTable:
    """`account_token`, in one transaction, and the pauses and jobs that go with it."""

    def __init__(self, connection: AsyncConnection, sealer: Sealer, jobs: Jobs) -> None:
        self._connection = connection
        self._sealer = sealer
        self._jobs = jobs

    async def await_next(self, account: Account) -> bool:
        """The platform takes the account's token no longer: nobody calls until there is another. Safe to
        repeat; nothing happens when it has come meanwhile.

        False: we have only just bought the token. Another one would be refused as well.
        """
        row = await self._lock(account)
        if row.version != account.token_version:
            return True
        if row.young:
            return False
        await self._jobs.pause(account.destination, because=AWAITED, replace=False)
        if row.refused_because is None:
            await self.ask(Pair.of(account))
        return True

    async def ask(self, pair: Pair) -> None:
        """Have the next pair bought. The job has a party of its own, which is not paused with the account.
        Safe to repeat.
        """
        await self._jobs.add(
            REFRESH_JOB,
            f"{pair.merchant_id}:{pair.account}:{pair.version}",
            merchant_id=pair.merchant_id,
            destination=f"{pair.platform}:{pair.account}/tokens",
            payload={"account": pair.account, "version": pair.version},
        )

    async def expiring(self, platforms: Sequence[str], within_s: float) -> list[Pair]:
        values = {"platforms": list(platforms), "within_s": within_s, "limit": A_LOOK}
        return [Pair(*row) for row in await self._connection.execute(_EXPIRING, values)]

    async def store(self, account: Account, tokens: Tokens) -> None:
        """The account is called with these from now on, unless it has others than `account` says: then the
        newer ones stay.
        """
        row = await self._lock(account)
        if row.version == account.token_version:
            await self._write(account, tokens, refreshed=True)

    async def give(self, account: Account, tokens: Tokens) -> None:
        """These count, whatever there was: a person has authorised us anew."""
        await self._lock(account)
        await self._write(account, tokens, refreshed=False)

    async def _write(self, account: Account, tokens: Tokens, *, refreshed: bool) -> None:
        owner = _owner(account)
        sealed = self._sealer.seal_tokens(tokens, **owner)
        values: dict[str, Any] = {
            **owner,
            "sealed": sealed,
            "expires_at": tokens.expires_at,
            "refreshed": refreshed,
        }
        await self._connection.execute(_STORE, values)
        await self._jobs.resume(account.destination, because=AWAITED)

    async def refuse(self, account: Account, code: str) -> None:
        """The platform sells no more tokens: a person has to authorise us anew."""
        row = await self._lock(account)
        if row.version == account.token_version:
            await self._connection.execute(_REFUSE, {**_owner(account), "code": code[:100]})

    async def try_again(self, account: Account) -> None:
        """A person has changed what tokens are bought with. Safe to repeat."""
        if (await self._connection.execute(_TRY_AGAIN, _owner(account))).rowcount:
            await self._jobs.resume(account.destination, because=AWAITED)

    async def _lock(self, account: Account) -> Any:
        return (await self._connection.execute(_LOCK, {**_owner(account), "young_s": YOUNG_S})).one()


def _owner(account: Account) -> dict[str, str]:
    return {"merchant_id": account.merchant_id, "account": account.account}
