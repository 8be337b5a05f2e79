"""MARKETPLACE_TIKTOK_SHOP_*: what is the same for every shop; a shop's own secrets are in its account."""

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Settings


class CancelReasons(BaseModel):
    """TikTok's keys of our reasons. They differ between markets, and a shop's own list counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    out_of_stock: str = "seller_cancel_reason_out_of_stock"
    risk: str = "seller_cancel_reason_out_of_stock"
    unpaid: str = "seller_cancel_unpaid_reason_out_of_stock"
    merchant: str = "seller_cancel_reason_out_of_stock"


class TikTokShopSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="MARKETPLACE_TIKTOK_SHOP_")

    #: Hosts of the API and of its tokens. (The first is not in the sources read.) An account's own
    #: address, as a sandbox has it, stands for both.
    api_url: str = Field(default="https://open-api.tiktokglobalshop.com", pattern=r"^https://[^\s/]+$")
    auth_url: str = Field(default="https://auth.tiktok-shops.com", pattern=r"^https://[^\s/]+$")
    #: How old a notice may be. TikTok repeats one for about 16 hours; one source says 72.
    notice_horizon_h: float = Field(default=72.0, ge=16, le=720)
    #: Calls a second for one shop. TikTok grants some tens, but does not say how many.
    calls_per_s: float = Field(default=10.0, gt=0, le=1000)
    cancel_reasons: CancelReasons = CancelReasons()
    #: How long carriers and the shop's cipher, which were looked up, are not looked up again.
    lookups_keep_s: float = Field(default=3600.0, ge=0, le=86_400)
    timeout_s: float = Field(default=15.0, gt=0, le=60)
