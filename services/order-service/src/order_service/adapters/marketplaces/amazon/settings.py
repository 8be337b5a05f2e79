"""MARKETPLACE_AMAZON_*: what is the same for every seller; a seller's own keys are in its account."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Settings


class AmazonSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="MARKETPLACE_AMAZON_")

    #: Where Login with Amazon sells access tokens.
    token_url: str = Field(default="https://api.amazon.com/auth/o2/token", pattern=r"^https?://\S+$")
    #: Our carrier codes to Amazon's `carrierCode`, over those we know; a carrier in neither is `Other`.
    carrier_codes: dict[str, str] = Field(default={})
    #: The product type that stock is told under. (That `PRODUCT` fits every listing is unconfirmed.)
    product_type: str = Field(default="PRODUCT", pattern=r"^[A-Z0-9_]+$")
    #: How long a question to an empty queue waits for a notice; Amazon takes at most 20.
    queue_wait_s: int = Field(default=5, ge=0, le=20)
    timeout_s: float = Field(default=30.0, gt=0, le=60)
