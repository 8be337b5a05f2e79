"""MARKETPLACE_SHOPIFY_*: what is the same for every shop; a shop's own secrets are in its account."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Settings


class ShopifySettings(Settings):
    model_config = SettingsConfigDict(env_prefix="MARKETPLACE_SHOPIFY_")

    #: Versions are quarterly and live for a year.
    api_version: str = Field(default="2026-10", pattern=r"^20\d\d-(01|04|07|10)$")
    timeout_s: float = Field(default=15.0, gt=0, le=60)
