"""CARRIER_UPS_*."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Settings

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class UpsSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="CARRIER_UPS_")

    client_id: SecretStr = Field(description="Of the app in UPS's developer portal.")
    client_secret: SecretStr = Field(description="That app's secret.")
    account_number: str = Field(
        pattern=r"^[0-9A-Z]{6}$",
        description="The shipper number: six characters, charged for every shipment.",
    )
    base_url: str = Field(
        default="https://onlinetools.ups.com",
        description="Where /api and /security are; https, or http on this machine. UPS's tests: "
        "https://wwwcie.ups.com",
    )
    units: Literal["metric", "imperial"] = Field(
        default="metric",
        description="Kilograms and centimetres, or pounds and inches: as UPS has it where parcels leave.",
    )
    label_format: Literal["ZPL", "GIF"] = Field(default="ZPL", description="What a label is asked for as.")
    contents: str = Field(
        default="Merchandise",
        min_length=1,
        max_length=50,
        pattern=r"^\S",
        description="What a parcel to another country is said to hold where nothing is declared.",
    )
    pays_duties: bool = Field(
        default=False,
        description="The account may be charged for duties and taxes; else nothing is sent DDP.",
    )
    track_alert: bool = Field(
        default=False, description="Ask UPS to push news of each parcel; its portal has to know our address."
    )
    webhook_key: SecretStr | None = Field(
        default=None, description="What UPS sends as x-api-key. Empty: the client id, as UPS documents it."
    )
    timeout_s: float = Field(default=60, gt=0, le=60, description="One API call.")
    max_connections: int = Field(default=32, ge=1, le=200, description="Calls at once per process.")

    @model_validator(mode="after")
    def _login_goes_out_encrypted(self) -> Self:
        parts = urlsplit(self.base_url)
        if not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError("base_url must be scheme://host[:port][/path]")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("base_url must begin with https:// unless it is on this machine")
        if not self.client_id.get_secret_value().strip() or not self.client_secret.get_secret_value().strip():
            raise ValueError("client_id or client_secret is empty")
        if self.webhook_key is not None and not self.webhook_key.get_secret_value().strip():
            raise ValueError("webhook_key is empty")
        return self
