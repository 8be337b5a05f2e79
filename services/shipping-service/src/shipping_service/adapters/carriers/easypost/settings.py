"""CARRIER_EASYPOST_*."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Settings

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class EasyPostSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="CARRIER_EASYPOST_")

    api_key: SecretStr = Field(description="EZTK... for test labels, EZAK... for labels that cost money.")
    base_url: str = Field(
        default="https://api.easypost.com",
        description="Where the paths that begin with /v2 are; https, or http on this machine.",
    )
    label_format: Literal["PDF", "PNG"] = Field(default="PDF", description="What a label is asked for as.")
    customs_signer: str | None = Field(
        default=None,
        min_length=1,
        description="Who certifies customs data. Empty: the sender's name, else its company.",
    )
    webhook_secret: SecretStr | None = Field(
        default=None, description="The secret that the account's webhook was registered with."
    )
    timeout_s: float = Field(
        default=60, gt=0, le=60, description="One API call; rating many accounts takes most of a minute."
    )
    download_timeout_s: float = Field(default=15, gt=0, le=30, description="One label or customs form.")
    max_connections: int = Field(default=32, ge=1, le=200, description="Calls at once per process.")

    @model_validator(mode="after")
    def _key_goes_out_encrypted(self) -> Self:
        parts = urlsplit(self.base_url)
        if not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError("base_url must be scheme://host[:port][/path]")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("base_url must begin with https:// unless it is on this machine")
        if not self.api_key.get_secret_value().strip():
            raise ValueError("api_key is empty")
        return self
