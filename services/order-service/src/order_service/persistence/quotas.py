"""Token buckets of accounts, in the database: every process that calls for an account takes from the same."""

from collections.abc import Mapping

from sqlalchemy import text

from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.marketplace import MarketplaceUnavailable, Quota
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
    select (1 - quota_left(calls_left, counted_at, coalesce(learned_rate_per_s, :rate_per_s), :burst))
           / coalesce(learned_rate_per_s, :rate_per_s)
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


class AccountMeter:
    """The quotas of one account. An operation without a quota costs nothing."""

    def __init__(self, database: OrderDatabase, account: Account, quotas: Mapping[str, Quota]) -> None:
        self._database = database
        self._owner = {"merchant_id": account.merchant_id, "account": account.account}
        self._quotas = quotas

    async def take(self, operation: str) -> None:
        """Raises MarketplaceUnavailable with the seconds until the next call is there."""
        quota = self._quotas.get(operation)
        if quota is None:
            return
        values = {
            **self._owner,
            "operation": operation,
            "burst": quota.burst,
            "rate_per_s": quota.rate_per_s,
        }
        async with self._database.transaction() as tx:
            if (await tx.connection.execute(_TAKE, values)).one_or_none() is not None:
                return
            wait_s = (await tx.connection.execute(_WAIT, values)).scalar_one()
        raise MarketplaceUnavailable(f"quota of {operation} is used up", retry_after_s=max(0.1, wait_s))

    async def learn(self, operation: str, rate_per_s: float) -> None:
        if operation in self._quotas and rate_per_s > 0:
            async with self._database.transaction() as tx:
                values = {**self._owner, "operation": operation, "rate_per_s": rate_per_s}
                await tx.connection.execute(_LEARN, values)
