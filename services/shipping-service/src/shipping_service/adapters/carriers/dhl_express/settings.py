"""CARRIER_DHL_EXPRESS_*."""

from datetime import timedelta
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Settings

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Account = r"^[0-9A-Za-z]{1,12}$"


class DhlExpressSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="CARRIER_DHL_EXPRESS_")

    api_key: SecretStr = Field(description="The user name: the API key of the app in DHL's portal.")
    api_secret: SecretStr = Field(description="The password: that app's API secret.")
    account_number: str = Field(pattern=Account, description="The account that shipments are charged to.")
    duties_account_number: str | None = Field(
        default=None,
        pattern=Account,
        description="The account that duties and taxes are charged to. Empty: nothing is sent DDP.",
    )
    base_url: str = Field(
        default="https://express.api.dhl.com/mydhlapi",
        description="Where /shipments is; https, or http on this machine. DHL's tests: ...mydhlapi/test",
    )
    time_zone: str = Field(description="Of the place that parcels leave from: Europe/Berlin, America/Denver.")
    leaves_after_h: float = Field(
        default=2,
        gt=0,
        le=216,
        description="Hours from the purchase until DHL has the parcel; DHL takes at most ten days.",
    )
    label_format: Literal["PDF", "ZPL"] = Field(default="PDF", description="What a label is asked for as.")
    label_template: Literal["ECOM26_84_001", "ECOM26_A6_002", "ECOM26_84CI_001", "ECOM_TC_A4"] = Field(
        default="ECOM26_84_001", description="8 x 4 inch; ECOM26_A6_002 fits a printer of 100 x 150 mm."
    )
    label_dpi: Literal["200", "300"] = Field(default="300", description="What the label's printer prints.")
    contents: str = Field(
        default="Merchandise",
        min_length=1,
        max_length=70,
        pattern=r"^\S",
        description="What a parcel is said to hold where no border is crossed and nobody declares it.",
    )
    invoice_signer: str | None = Field(
        default=None, min_length=1, max_length=35, description="Who signs the commercial invoice."
    )
    timeout_s: float = Field(default=60, gt=0, le=60, description="One API call.")
    max_connections: int = Field(default=32, ge=1, le=200, description="Calls at once per process.")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def leaves_after(self) -> timedelta:
        return timedelta(hours=self.leaves_after_h)

    @field_validator("time_zone")
    @classmethod
    def _zone_is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("there is no such time zone") from error
        return value

    @model_validator(mode="after")
    def _login_goes_out_encrypted(self) -> Self:
        parts = urlsplit(self.base_url)
        if not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError("base_url must be scheme://host[:port][/path]")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("base_url must begin with https:// unless it is on this machine")
        if not self.api_key.get_secret_value().strip() or not self.api_secret.get_secret_value().strip():
            raise ValueError("api_key or api_secret is empty")
        return self
