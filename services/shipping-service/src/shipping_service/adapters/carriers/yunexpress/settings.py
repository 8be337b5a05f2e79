"""CARRIER_YUNEXPRESS_*."""

from collections.abc import Mapping
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Settings
from shipping_service.domain.refusal import Remedy

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class YunExpressSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="CARRIER_YUNEXPRESS_")

    app_id: str = Field(min_length=1, max_length=100, description="Of the app on YunExpress's open platform.")
    app_secret: SecretStr = Field(description="That app's secret: it buys tokens and signs every call.")
    source_key: SecretStr | None = Field(default=None, description="Where the account was given one.")
    base_url: str = Field(
        default="https://openapi.yunexpress.cn",
        description="scheme://host[:port]: paths are signed from the root. Tests: openapi-sbx.yunexpress.cn",
    )
    origin: str | None = Field(
        default=None, max_length=20, description="The warehouse that prices are asked from: YT-SZ."
    )
    number_not_awaited: frozenset[str] = Field(
        default=frozenset(),
        description="Services that have no last-mile number, or get it only once YunExpress has the parcel: "
        'their labels do not wait for it. JSON: ["THPHU"]',
    )
    customs_number_fields: Mapping[str, str] = Field(
        default_factory=dict,
        description="Our kinds of tax numbers and the fields of `customs_number` for them, where the account "
        'wants an object: {"IOSS": "ioss_code"}. Empty: the number alone, as text.',
    )
    remedies: Mapping[str, Remedy] = Field(
        default_factory=dict,
        description='What mends a refusal, by a code that the account has seen: {"00201007": "fix_address"}',
    )
    webhook_key: SecretStr | None = Field(
        default=None, description="The encryptKey of the account's push: it signs and encrypts."
    )
    retry_label_after_s: float = Field(
        default=60, gt=0, le=3600, description="When a missing number or label is asked for again."
    )
    timeout_s: float = Field(default=30, gt=0, le=60, description="One API call, or one label's file.")
    max_connections: int = Field(default=16, ge=1, le=200, description="Calls at once per process.")

    @model_validator(mode="after")
    def _secrets_go_out_encrypted(self) -> Self:
        parts = urlsplit(self.base_url)
        if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment or parts.username:
            raise ValueError("base_url must be scheme://host[:port]")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("base_url must begin with https:// unless it is on this machine")
        if not self.app_secret.get_secret_value().strip():
            raise ValueError("app_secret is empty")
        if self.webhook_key is not None and not self.webhook_key.get_secret_value().strip():
            raise ValueError("webhook_key is empty")
        return self
