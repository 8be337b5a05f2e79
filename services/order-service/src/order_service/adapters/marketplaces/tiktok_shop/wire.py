"""The fields of TikTok Shop's notices, orders and answers that we use, named as they name them.

Source: the fact sheet's table of the order and its sample (Partner API 202309). Not compared with a live
shop's order (README.md). Everything but what makes an order an order is optional.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

#: Seconds since the epoch, inside of the calendar.
Epoch = Annotated[int, Field(ge=0, le=253_402_300_799)]
#: All ids are strings of digits; whatever else they may become, they are safe in a path.
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


def _empty(given: object) -> object:
    return None if given == "" else given


#: An empty string is no id.
OptionalId = Annotated[Id | None, BeforeValidator(_empty)]


def _amount(given: object) -> object:
    """No amount is none; anything else is left to be judged."""
    return "0" if given is None or given == "" else given


#: A decimal string without fixed decimals, such as "18" or "73.34".
Amount = Annotated[str, BeforeValidator(_amount)]


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Notice(Wire):
    type: int
    tts_notification_id: Id
    shop_id: Id
    timestamp: Epoch
    data: dict[str, Any]


class NoticeData(Wire):
    """`update_time`: of a change of status, the order's own."""

    order_id: Id | None = None
    update_time: Epoch | None = None


class ItemTax(Wire):
    tax_amount: Amount = "0"


class LineItem(Wire):
    """One unit; there are no quantities."""

    id: Id
    sku_id: str = ""
    product_id: str = ""
    product_name: str | None = None
    sku_name: str | None = None
    seller_sku: str | None = None
    original_price: str
    seller_discount: Amount = "0"
    platform_discount: Amount = "0"
    item_tax: tuple[ItemTax, ...] = ()
    is_gift: bool = False
    display_status: str | None = None
    package_id: OptionalId = None
    package_status: str | None = None
    tracking_number: str | None = None
    shipping_provider_name: str | None = None

    @property
    def kind(self) -> tuple[str, str, bool]:
        """What units of one line have in common."""
        return self.sku_id or self.seller_sku or "", self.original_price, self.is_gift


class Payment(Wire):
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    seller_discount: Amount = "0"
    platform_discount: Amount = "0"
    original_total_product_price: Amount = "0"
    shipping_fee: Amount = "0"
    tax: Amount = "0"
    small_order_fee: Amount = "0"
    retail_delivery_fee: Amount = "0"
    buyer_service_fee: Amount = "0"
    handling_fee: Amount = "0"
    total_amount: str


class District(Wire):
    """`address_level`: L0 is the country, L1 what lies below it, and so on."""

    address_level: str = ""
    address_name: str | None = None
    iso_code: str | None = None


class Address(Wire):
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None
    region_code: str | None = None
    postal_code: str | None = None
    post_town: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    address_line3: str | None = None
    address_line4: str | None = None
    address_detail: str | None = None
    full_address: str | None = None
    district_info: tuple[District, ...] = ()


class Order(Wire):
    id: Id
    status: str = Field(min_length=1, max_length=100)
    create_time: Epoch
    update_time: Epoch
    paid_time: Epoch | None = None
    payment: Payment
    recipient_address: Address | None = None
    line_items: tuple[LineItem, ...] = Field(min_length=1)
    buyer_email: str | None = None
    buyer_nickname: str | None = None
    buyer_message: str | None = None
    seller_note: str | None = None
    cpf: str | None = None
    cancel_reason: str | None = None
    delivery_option_id: OptionalId = None
    delivery_option_name: str | None = None
    fulfillment_type: str | None = None
    shipping_type: str | None = None
    split_or_combine_tag: str | None = None
    is_cod: bool = False
    is_sample_order: bool = False
    is_on_hold_order: bool = False
    is_replacement_order: bool = False
    is_buyer_request_cancel: bool = False


class Answer(Wire):
    """Around everything; business errors come under HTTP 200 with a code that is not 0."""

    code: int
    message: str = ""
    data: dict[str, Any] | None = None


class Orders(Wire):
    """Each as it came: what we read of an order may grow."""

    orders: tuple[dict[str, Any], ...] = ()
    next_page_token: str | None = None


class Pair(Wire):
    """Both expiries are moments, in spite of their names."""

    access_token: str = Field(min_length=1)
    access_token_expire_in: Epoch
    refresh_token: str | None = None
    refresh_token_expire_in: Epoch | None = None


class Shop(Wire):
    id: Id
    cipher: str = Field(min_length=1)


class Shops(Wire):
    shops: tuple[Shop, ...] = ()


class Provider(Wire):
    id: Id
    name: str


class Providers(Wire):
    shipping_providers: tuple[Provider, ...] = ()


class Package(Wire):
    package_id: Id


class Document(Wire):
    doc_url: str | None = None
    tracking_number: str | None = None


class Cancellation(Wire):
    cancel_id: Id
    cancel_status: str | None = None


class Cancellations(Wire):
    cancellations: tuple[Cancellation, ...] = ()


class Inventory(Wire):
    warehouse_id: Id


class Sku(Wire):
    id: Id
    seller_sku: str | None = None
    inventory: tuple[Inventory, ...] = ()


class Product(Wire):
    id: Id
    skus: tuple[Sku, ...] = ()


class Products(Wire):
    products: tuple[Product, ...] = ()
    next_page_token: str | None = None


class StockErrorDetail(Wire):
    sku_id: str | None = None


class StockError(Wire):
    code: int
    detail: StockErrorDetail = StockErrorDetail()


class StockUpdated(Wire):
    errors: tuple[StockError, ...] = ()
