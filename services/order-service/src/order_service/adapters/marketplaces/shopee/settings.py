"""MARKETPLACE_SHOPEE_*: what is the same for every shop; a shop's own secrets are in its account."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Settings
from order_service.adapters.marketplaces.shopee import codes


class ShopeeSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="MARKETPLACE_SHOPEE_")

    #: Where apps call. Other hosts: openplatform.shopee.cn, openplatform.shopee.com.br.
    base_url: str = "https://partner.shopeemobile.com"
    #: Fields of an order that are only told when they are asked for. (The list is unconfirmed.)
    order_fields: tuple[str, ...] = Field(default=codes.ORDER_FIELDS, min_length=1)
    #: Whose warehouse sends an order that we send, and whose sends one that we never do. (Unconfirmed.)
    seller_fulfilled: frozenset[str] = codes.SELLER_FULFILLED
    shopee_fulfilled: frozenset[str] = codes.SHOPEE_FULFILLED
    #: `error` of an answer when the access token is taken no longer. (Not in Shopee's guides.)
    token_errors: frozenset[str] = codes.TOKEN_ERRORS
    #: `error` of an answer when we call too often. (Unconfirmed.)
    throttle_errors: frozenset[str] = codes.THROTTLE_ERRORS
    #: Shopee publishes no limit: calls of one account in a second that we allow ourselves.
    calls_per_s: float = Field(default=10.0, gt=0, le=1000)
    #: How long the account rests after "too many calls", and a label until it is asked about again.
    throttled_s: float = Field(default=10.0, gt=0, le=300)
    label_wait_s: float = Field(default=15.0, gt=0, le=3600)
    #: Our reason of a cancel to theirs; without an entry a person has to cancel in the Seller Centre.
    cancel_reasons: dict[str, str] = Field(default={"out_of_stock": "OUT_OF_STOCK"})
    timeout_s: float = Field(default=15.0, gt=0, le=60)
