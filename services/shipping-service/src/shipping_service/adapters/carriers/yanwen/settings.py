"""CARRIER_YANWEN_*."""

from collections.abc import Mapping
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Settings
from shipping_service.domain.refusal import Remedy

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class YanwenSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="CARRIER_YANWEN_")

    user_id: str = Field(min_length=1, max_length=50, description="The account that orders are made for.")
    api_token: SecretStr = Field(description="That account's apitoken: it signs every call.")
    merchant_number: SecretStr = Field(description="What the tracking service knows the account by.")
    base_url: str = Field(
        default="https://open.yw56.com.cn",
        description="Where /api/order is; https, or http on this machine. Tests: https://open-fat.yw56.com.cn",
    )
    tracking_url: str = Field(
        default="https://api.track.yw56.com.cn",
        description="Where /api/tracking is; there is none for tests.",
    )
    tracking_unencrypted: bool = Field(
        default=False,
        description="`tracking_url` may begin with http://, as Yanwen documents it: whoever is on the way "
        "reads the merchant number and can change what is told of parcels.",
    )
    order_source: str = Field(
        default="Crossdock", min_length=1, max_length=50, description="Where orders say they come from."
    )
    battery_channels: frozenset[str] = Field(
        default=frozenset(),
        description='Channels for goods with a battery; all others are declared to hold none. JSON: ["484"]',
    )
    remedies: Mapping[str, Remedy] = Field(
        default_factory=dict,
        description='What mends a refusal, by a code that the account has seen: {"1021": "fix_address"}',
    )
    retry_label_after_s: float = Field(
        default=30, gt=0, le=3600, description="When a missing label is asked for again."
    )
    timeout_s: float = Field(default=30, gt=0, le=60, description="One API call.")
    max_connections: int = Field(default=16, ge=1, le=200, description="Calls at once per process.")

    @model_validator(mode="after")
    def _secrets_go_out_encrypted(self) -> Self:
        if not _is_encrypted(_address(self.base_url, "base_url")):
            raise ValueError("base_url must begin with https:// unless it is on this machine")
        tracking = _address(self.tracking_url, "tracking_url")
        if not (_is_encrypted(tracking) or (tracking.scheme == "http" and self.tracking_unencrypted)):
            raise ValueError("tracking_url must begin with https:// where tracking_unencrypted is not set")
        for name in ("api_token", "merchant_number"):
            if not getattr(self, name).get_secret_value().strip():
                raise ValueError(f"{name} is empty")
        return self


def _address(url: str, name: str) -> SplitResult:
    parts = urlsplit(url)
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{name} must be scheme://host[:port]")
    return parts


def _is_encrypted(parts: SplitResult) -> bool:
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
