"""Token buckets of accounts, in the database: every process that calls for an account takes from the same."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.marketplace import Quota, QuotaUsedUp, waits_for
from order_service.use_cases.ports import Account

# A call is taken only where a whole one is left. Without a row returned, the wait is asked for.
_TAKE = text(
    """
    insert into account_quota as q (merchant_id, account, operation, calls_left, counted_at)
    values (:merchant_id, :account, :operation, cast(:burst as float8) - 1, clock_timestamp())
    on conflict (merchant_id, account, operation) do update set
        calls_left = quota_left(q.calls_left, q.counted_at, coalesce(q.learned_rate_per_s, :rate_per_s),
                                :burst) - 1,
        counted_at = clock_timestamp()
        where quota_left(q.calls_left, q.counted_at, coalesce(q.learned_rate_per_s, :rate_per_s), :burst) >= 1
    returning calls_left
    """
)
_WAIT = text(
    """
    select 1 - quota_left(calls_left, counted_at, coalesce(learned_rate_per_s, :rate_per_s), :burst) as calls,
           coalesce(learned_rate_per_s, :rate_per_s) as rate_per_s
    from account_quota
    where merchant_id = :merchant_id and account = :account and operation = :operation
    """
)
_LEARN = text(
    """
    update account_quota set learned_rate_per_s = :rate_per_s
    where merchant_id = :merchant_id and account = :account and operation = :operation
      and learned_rate_per_s is distinct from cast(:rate_per_s as float8)
    """
)


# Jobs that were put off say what they wait for; those whose time has come wait no longer.
_WAITING = text(
    """
    select operation, count(job_id) as jobs
    from unnest(:operations, :reasons) as given (operation, reason)
    left join job on state = 'ready' and destination = :destination and last_error = reason
                     and run_at > crossdock_clock()
    group by operation
    """
).bindparams(bindparam("operations", type_=ARRAY(Text)), bindparam("reasons", type_=ARRAY(Text)))
_LEARNED = text(
    """
    select operation, learned_rate_per_s from account_quota
    where merchant_id = :merchant_id and account = :account and learned_rate_per_s is not null
    """
)


async def waiting(
    connection: AsyncConnection, account: Account, operations: Collection[str]
) -> dict[str, int]:
    """Operation -> how many of the account's jobs wait for its quota."""
    values = {
        "operations": list(operations),
        "reasons": [waits_for(one) for one in operations],
        "destination": account.destination,
    }
    return {row.operation: row.jobs for row in await connection.execute(_WAITING, values)}


async def rates_per_s(
    connection: AsyncConnection, account: Account, quotas: Mapping[str, Quota]
) -> dict[str, float]:
    """Operation -> calls a second: what the platform has said last, or what its folder says."""
    owner = {"merchant_id": account.merchant_id, "account": account.account}
    learned = {row.operation: row.learned_rate_per_s for row in await connection.execute(_LEARNED, owner)}
    return {name: learned.get(name, quota.rate_per_s) for name, quota in quotas.items()}


class AccountMeter:
    """The quotas of one account. An operation without a quota costs nothing."""

    def __init__(self, database: OrderDatabase, account: Account, quotas: Mapping[str, Quota]) -> None:
        self._database = database
        self._owner = {"merchant_id": account.merchant_id, "account": account.account}
        self._quotas = quotas

    async def take(self, operation: str) -> None:
        """Raises QuotaUsedUp with the seconds until the next call is there."""
        quota = self._quotas.get(operation)
        if quota is None:
            return
        values = {
            **self._owner,
            "operation": operation,
            "burst": quota.burst,
            "rate_per_s": quota.rate_per_s,
        }
        async with self._connect() as connection:
            if (await connection.execute(_TAKE, values)).one_or_none() is not None:
                return
            missing = (await connection.execute(_WAIT, values)).one()
        wait_s = max(0.1, missing.calls / missing.rate_per_s)
        raise QuotaUsedUp(operation, retry_after_s=wait_s, rate_per_s=missing.rate_per_s)

    async def learn(self, operation: str, rate_per_s: float) -> None:
        if operation in self._quotas and rate_per_s > 0:
            values = {**self._owner, "operation": operation, "rate_per_s": rate_per_s}
            async with self._connect() as connection:
                await connection.execute(_LEARN, values)

    def _connect(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """One statement is all of it: the bucket is locked for no longer than that takes."""
        return self._database.engine.execution_options(isolation_level="AUTOCOMMIT").connect()
