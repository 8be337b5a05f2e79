"""Marketplace accounts; their secrets are sealed."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, RowMapping, Text, bindparam, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from order_service.domain.order import LabelSource, Policy
from order_service.persistence.sealing import Sealer
from order_service.use_cases.ports import Account, Conflict, NotFound

_COLUMNS = """
    select merchant_id, account, platform, shop_ref, api_base_url, sealed_secrets, policy, label_source,
           ship_by_days, domestic_countries, may_write, incoterm, unpaid_hours, refund_on_cancel, active,
           cast(options as text) as options, pause.because as paused,
           sealed as sealed_tokens, version as token_version, refused_because
    from account left join job_pause pause on pause.destination = platform || ':' || account
    left join account_token using (merchant_id, account)
"""
_GET = text(_COLUMNS + "where merchant_id = :merchant_id and account = :account")
_BY_WEBHOOK = text(_COLUMNS + "where platform = :platform and account = :account")
_LIST = text(_COLUMNS + "where merchant_id = :merchant_id and account > :after order by account limit :limit")
_PUT = text(
    """
    insert into account as old (
        merchant_id, account, platform, shop_ref, api_base_url, sealed_secrets, policy, label_source,
        ship_by_days, domestic_countries, may_write, incoterm, unpaid_hours, refund_on_cancel, active,
        options
    ) values (
        :merchant_id, :account, :platform, :shop_ref, :api_base_url, :sealed_secrets, :policy, :label_source,
        :ship_by_days, :domestic_countries, :may_write, :incoterm, :unpaid_hours, :refund_on_cancel, :active,
        cast(:options as jsonb)
    )
    on conflict (merchant_id, account) do update set
        api_base_url = excluded.api_base_url, sealed_secrets = excluded.sealed_secrets,
        options = excluded.options, policy = excluded.policy, label_source = excluded.label_source,
        ship_by_days = excluded.ship_by_days, domestic_countries = excluded.domestic_countries,
        may_write = excluded.may_write, incoterm = excluded.incoterm,
        unpaid_hours = excluded.unpaid_hours, refund_on_cancel = excluded.refund_on_cancel,
        active = excluded.active,
        updated_at = crossdock_now()
    where old.platform = excluded.platform and old.shop_ref = excluded.shop_ref
    returning account
    """
).bindparams(
    bindparam("sealed_secrets", type_=LargeBinary), bindparam("domestic_countries", type_=ARRAY(Text))
)

_BEGIN_CHECK = text(
    """
    insert into account_check (merchant_id, account, check_id) values (:merchant_id, :account, :check_id)
    on conflict (merchant_id, account) do update set
        check_id = excluded.check_id, asked_at = crossdock_now(), ended_at = null, trouble = null
    """
)
_END_CHECK = text(
    "update account_check set ended_at = crossdock_now(), trouble = :trouble where check_id = :check_id"
)
_CHECK = text(
    """
    select check_id, asked_at, ended_at, trouble from account_check
    where merchant_id = :merchant_id and account = :account
    """
)


@dataclass(frozen=True, slots=True)
class Check:
    """`ended_at` None: it is under way. `trouble` None, once it has ended: the credentials open the shop."""

    check_id: UUID
    asked_at: datetime
    ended_at: datetime | None
    trouble: str | None


class AccountTable:
    """`account` and what hangs on it, in one transaction."""

    def __init__(self, connection: AsyncConnection, sealer: Sealer) -> None:
        self._connection = connection
        self._sealer = sealer

    async def get(self, merchant_id: str, account: str) -> Account:
        values = {"merchant_id": merchant_id, "account": account}
        row = (await self._connection.execute(_GET, values)).mappings().one_or_none()
        if row is None:
            raise NotFound("account", account)
        return self._account(row)

    async def by_webhook(self, platform: str, account: str) -> Account | None:
        """The account a webhook's address names; a deactivated one too."""
        values = {"platform": platform, "account": account}
        row = (await self._connection.execute(_BY_WEBHOOK, values)).mappings().one_or_none()
        return None if row is None else self._account(row)

    async def page(self, merchant_id: str, *, after: str, limit: int) -> list[Account]:
        values = {"merchant_id": merchant_id, "after": after, "limit": limit}
        return [self._account(row) for row in (await self._connection.execute(_LIST, values)).mappings()]

    async def put(self, account: Account) -> None:
        values = {
            "merchant_id": account.merchant_id,
            "account": account.account,
            "platform": account.platform,
            "shop_ref": account.shop_ref,
            "api_base_url": account.api_base_url,
            "sealed_secrets": self._sealer.seal(
                account.secrets, merchant_id=account.merchant_id, account=account.account
            ),
            "policy": account.policy.value,
            "label_source": account.label_source.value,
            "ship_by_days": account.ship_by_days,
            "domestic_countries": sorted(account.domestic_countries),
            "may_write": account.may_write,
            "incoterm": account.incoterm,
            "unpaid_hours": account.unpaid_hours,
            "refund_on_cancel": account.refund_on_cancel,
            "active": account.active,
            "options": json.dumps(dict(account.options)),
        }
        try:
            found = (await self._connection.execute(_PUT, values)).scalar_one_or_none()
        except IntegrityError as error:
            raise Conflict("this account name or this shop is connected already") from error
        if found is None:
            raise Conflict("an account keeps its platform and its shop; connect another account instead")

    async def begin_check(self, merchant_id: str, account: str, check_id: UUID) -> None:
        values = {"merchant_id": merchant_id, "account": account, "check_id": check_id}
        await self._connection.execute(_BEGIN_CHECK, values)

    async def end_check(self, check_id: UUID, *, trouble: str | None) -> None:
        await self._connection.execute(_END_CHECK, {"check_id": check_id, "trouble": trouble})

    async def last_check(self, merchant_id: str, account: str) -> Check:
        """Raises NotFound: it was never checked."""
        values = {"merchant_id": merchant_id, "account": account}
        row = (await self._connection.execute(_CHECK, values)).one_or_none()
        if row is None:
            raise NotFound("check of account", account)
        return Check(*row)

    def _account(self, row: RowMapping) -> Account:
        owner = {"merchant_id": row["merchant_id"], "account": row["account"]}
        tokens = row["sealed_tokens"]
        return Account(
            merchant_id=row["merchant_id"],
            account=row["account"],
            platform=row["platform"],
            shop_ref=row["shop_ref"],
            api_base_url=row["api_base_url"],
            secrets=self._sealer.open(row["sealed_secrets"], **owner),
            policy=Policy(row["policy"]),
            label_source=LabelSource(row["label_source"]),
            ship_by_days=row["ship_by_days"],
            domestic_countries=frozenset(row["domestic_countries"]),
            may_write=row["may_write"],
            incoterm=row["incoterm"],
            unpaid_hours=row["unpaid_hours"],
            refund_on_cancel=row["refund_on_cancel"],
            active=row["active"],
            options=json.loads(row["options"]),
            paused=row["paused"],
            tokens=None if tokens is None else self._sealer.open_tokens(tokens, **owner),
            token_version=row["token_version"] or 0,
            refused_because=row["refused_because"],
        )
