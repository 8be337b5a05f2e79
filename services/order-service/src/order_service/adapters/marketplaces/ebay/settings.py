"""MARKETPLACE_EBAY_*: what is the same for every account. What eBay's documents leave open is here, too."""

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Settings


class EbaySettings(Settings):
    model_config = SettingsConfigDict(env_prefix="MARKETPLACE_EBAY_")

    #: Our carrier codes to eBay's, over and above the table in codes.py; and the code of all other carriers.
    carrier_codes: dict[str, str] = Field(default={})
    other_carrier: str = Field(default="Other", min_length=1)
    #: Kinds of fulfilment instructions by which nothing is sent by us. (Not in the sources read.)
    unshipped_instructions: frozenset[str] = frozenset({"DIGITAL", "PREPARE_FOR_PICKUP", "FULFILLED_BY_EBAY"})
    #: Our reasons for a cancel (out_of_stock, risk, unpaid, merchant) in eBay's words, where another fits
    #: better than OUT_OF_STOCK_OR_CANNOT_FULFILL. (The whole list is not in the sources read.)
    cancel_reasons: dict[str, str] = Field(default={})
    #: What stands before a user's token in calls of the Post-Order API; eBay's pages name both.
    post_order_scheme: Literal["IAF", "Bearer"] = "IAF"
    #: Calls a day of each API that one account may use of what the application has. (eBay tells the
    #: application's own numbers in its developer console; the Fulfillment API's is not in the sources read.)
    fulfilment_calls_per_day: int = Field(default=100_000, ge=24)
    inventory_calls_per_day: int = Field(default=100_000, ge=24)
    #: Between two polls. eBay's notices tell of new orders only.
    poll_every_s: float = Field(default=600.0, ge=30, le=3600)
    timeout_s: float = Field(default=15.0, gt=0, le=60)
