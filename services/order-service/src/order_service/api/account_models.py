"""What the API takes and gives of accounts and of the platforms there are. Secrets are only taken."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from order_service.api.models import Country, Given, Why
from order_service.domain.order import LabelSource, Policy
from order_service.persistence.accounts import Check
from order_service.use_cases.accounts import WEBHOOK_SECRETS, GivenSecrets
from order_service.use_cases.marketplace import Asked, Marketplace
from order_service.use_cases.ports import Account, Secrets

Named = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Option = Annotated[str, Field(min_length=1, max_length=2000)]


class SecretsGiven(Given):
    """Left out, those there are stay."""

    webhook_secrets: tuple[SecretStr, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=WEBHOOK_SECRETS,
        description="what the platform signs its webhooks with, the newest first; two while one takes over",
    )
    access_token: SecretStr | None = Field(
        default=None, description="WooCommerce: consumer key and secret, `ck_...:cs_...`"
    )
    secrets: dict[Named, SecretStr] = Field(
        default={}, max_length=20, description="what else the platform asks for: `GET /v1/platforms` names it"
    )

    def taken(self) -> GivenSecrets:
        webhook, token = self.webhook_secrets, self.access_token
        return GivenSecrets(
            webhook=None if webhook is None else tuple(one.get_secret_value() for one in webhook),
            access_token=None if token is None else token.get_secret_value(),
            named={name: one.get_secret_value() for name, one in self.secrets.items()},
        )


class AccountGiven(SecretsGiven):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "platform": "shopify",
                    "shop_ref": "crossdock-demo.myshopify.com",
                    "webhook_secrets": ["the app's client secret"],
                    "access_token": "the app's token",
                    "policy": "split",
                    "domestic_countries": ["US"],
                }
            ]
        }
    )

    platform: str = Field(min_length=1, max_length=32)
    shop_ref: str = Field(
        min_length=1,
        max_length=255,
        description="the platform's own id of the shop, such as a domain, a seller's id or a shop's number: "
        "the README of the platform's folder says which",
    )
    api_base_url: str | None = Field(default=None, max_length=500, pattern=r"^https?://")
    options: dict[Named, Option] = Field(
        default={}, max_length=20, description="what the platform asks for that is no secret"
    )
    policy: Policy = Policy.SPLIT
    label_source: LabelSource = LabelSource.CARRIER
    ship_by_days: int = Field(default=3, ge=0, le=60)
    domestic_countries: frozenset[Country] = Field(default=frozenset(), max_length=60)
    may_write: bool = True
    incoterm: Literal["DAP", "DDP"] | None = None
    unpaid_hours: int = Field(default=48, ge=1, le=720)
    refund_on_cancel: bool = Field(
        default=False,
        description="ask for a refund of what we cancel, where the platform lets us choose; else it stays a "
        "person's",
    )
    active: bool = True

    def account(self, merchant_id: str, name: str) -> Account:
        """The account without its secrets."""
        values = {one: value for one, value in self if one not in SecretsGiven.model_fields}
        return Account(merchant_id=merchant_id, account=name, secrets=Secrets(), **values)


class Rotation(SecretsGiven, Why):
    keep_old: bool = Field(
        default=True, description="deliveries signed with the webhook secret of before are still taken"
    )


class AccountShown(BaseModel):
    account: str
    platform: str
    shop_ref: str
    api_base_url: str | None
    options: dict[str, str]
    webhook_secrets: int = Field(description="how many there are")
    has_access_token: bool
    secrets: list[str] = Field(description="the names of those there are")
    policy: Policy
    label_source: LabelSource
    ship_by_days: int
    domestic_countries: list[str]
    may_write: bool
    incoterm: str | None
    unpaid_hours: int
    refund_on_cancel: bool
    active: bool
    paused: str | None = Field(description="why the platform is not called; null: it is")
    refused_because: str | None = Field(
        description="why the platform sells no more access tokens: the account has to be authorised anew"
    )

    @classmethod
    def of(cls, account: Account) -> Self:
        values = {name: value for name, value in asdict(account).items() if name in cls.model_fields}
        return cls(
            **{
                **values,
                "domestic_countries": sorted(account.domestic_countries),
                "webhook_secrets": len(account.secrets.webhook),
                "has_access_token": account.secrets.access_token is not None,
                "secrets": sorted(account.secrets.named),
            }
        )


class CheckShown(BaseModel):
    check_id: str
    asked_at: datetime
    ended_at: datetime | None = Field(description="null: it is under way")
    trouble: str | None = Field(description="null, once it has ended: the credentials open the shop")

    @classmethod
    def of(cls, check: Check) -> Self:
        return cls(**{**asdict(check), "check_id": str(check.check_id)})


class AskedShown(BaseModel):
    name: str
    description: str
    secret: bool
    required: bool

    @classmethod
    def of(cls, asked: Asked) -> Self:
        return cls(
            name=asked.name, description=asked.description, secret=asked.secret, required=asked.required
        )


class PlatformShown(BaseModel):
    """A platform there is a folder for: what an account of it has to be told, and what it can do."""

    platform: str
    asks: list[AskedShown]
    can: list[str]
    calls_per_s: dict[str, float] = Field(description="by operation, where there is a quota")

    @classmethod
    def of(cls, marketplace: Marketplace) -> Self:
        return cls(
            platform=marketplace.code,
            asks=[AskedShown.of(one) for one in marketplace.asks],
            can=[name for name, able in _abilities(marketplace).items() if able],
            calls_per_s={name: quota.rate_per_s for name, quota in marketplace.quotas.items()},
        )


def _abilities(marketplace: Marketplace) -> Mapping[str, bool]:
    return {
        "signed_webhooks": marketplace.signed,
        "poll": marketplace.polling is not None,
        "queue": marketplace.open_queue is not None,
        "tracking": marketplace.writes_tracking,
        "stock": marketplace.stock is not None,
        "cancel": marketplace.open_canceller is not None,
        "labels": marketplace.open_issuer is not None,
        "expiring_tokens": marketplace.open_refresher is not None,
        "check": marketplace.open_checker is not None,
    }
