"""CARRIER_SEVENTEEN_TRACK_*."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Settings

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

CarrierKey = Annotated[int, Field(gt=0)]


class SeventeenTrackSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="CARRIER_SEVENTEEN_TRACK_")

    api_key: SecretStr = Field(description="The account's security key; pushes are signed with it as well.")
    previous_api_key: SecretStr | None = Field(
        default=None, description="While the key is changed: the old one, by which late pushes are proven."
    )
    base_url: str = Field(
        default="https://api.17track.net/track/v2.2",
        description="Where /register and /gettrackinfo are; https, or http on this machine.",
    )
    carrier_keys: dict[str, CarrierKey] = Field(
        default_factory=dict,
        description='17TRACK\'s numbers of further carriers by our names, as JSON: {"yanwen": 190012}. '
        "Of a carrier without one 17TRACK detects whose parcel it is.",
    )
    timeout_s: float = Field(default=30, gt=0, le=60, description="One API call.")
    max_connections: int = Field(default=4, ge=1, le=50, description="Calls at once per process.")

    @property
    def keys(self) -> tuple[str, ...]:
        """What pushes may be signed with, the newest first."""
        known = (self.api_key, self.previous_api_key)
        return tuple(one.get_secret_value() for one in known if one is not None)

    @model_validator(mode="after")
    def _key_goes_out_encrypted(self) -> Self:
        parts = urlsplit(self.base_url)
        if not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError("base_url must be scheme://host[:port][/path]")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("base_url must begin with https:// unless it is on this machine")
        if not all(one.strip() for one in self.keys):
            raise ValueError("api_key or previous_api_key is empty")
        return self
