"""The fields of Shopee's pushes and answers that we use, named as they name them.

Source: congminh1254/shopee-sdk `src/schemas/order.ts` and the sample order of the fact sheet; Shopee Open
Platform guides "Order management" and "Stock & price management", seen 2026-11. Amounts are JSON numbers in
major units, times are seconds since the epoch, and 0 is "not yet". Everything but what makes an order an
order is optional.
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field


def _empty_if_null(given: Any) -> Any:
    return () if given is None else given


def _empty_unless_object(given: Any) -> Any:
    return given if isinstance(given, dict) else {}


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


#: Seconds since the epoch, up to the year 9999.
Seconds = Annotated[int, Field(ge=0, le=253_402_300_799)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class PushData(Wire):
    """Names differ from push to push: `ordersn` or `order_sn`, `shop_id` or `shopid`."""

    ordersn: str | None = Field(default=None, max_length=64)
    order_sn: str | None = Field(default=None, max_length=64)
    shop_id: int | None = None
    shopid: int | None = None
    status: str | None = None
    update_time: Seconds | None = None

    @property
    def number(self) -> str | None:
        return self.ordersn or self.order_sn


class Push(Wire):
    code: int | None = None
    data: Annotated[PushData, BeforeValidator(_empty_unless_object)] = PushData()
    shop_id: int | None = None
    shopid: int | None = None

    @property
    def shop(self) -> int | None:
        """It stands beside `data` or in it."""
        found = (self.shop_id, self.shopid, self.data.shop_id, self.data.shopid)
        return next((one for one in found if one is not None), None)


class Address(Wire):
    """`full_address` repeats the rest. Any of it may be hidden by asterisks."""

    name: str | None = None
    phone: str | None = None
    town: str | None = None
    district: str | None = None
    city: str | None = None
    state: str | None = None
    region: str | None = None
    zipcode: str | None = None
    full_address: str | None = None


class ItemKey(Wire):
    """What tells one line of an order from another. `model_id` 0: the item has no variants."""

    item_id: int
    model_id: int = 0
    order_item_id: int = 0
    promotion_group_id: int = 0

    @property
    def key(self) -> str:
        return f"{self.item_id}-{self.model_id}-{self.order_item_id}-{self.promotion_group_id}"


class Item(ItemKey):
    item_name: str | None = None
    item_sku: str | None = None
    model_sku: str | None = None
    model_quantity_purchased: Count
    cancelled_qty: Count = 0
    model_original_price: Decimal
    model_discounted_price: Decimal | None = None


class PackedItem(ItemKey):
    model_quantity: Count


class Package(Wire):
    package_number: str = Field(min_length=1, max_length=64)
    logistics_status: str = ""
    shipping_carrier: str | None = None
    item_list: Annotated[tuple[PackedItem, ...], BeforeValidator(_empty_if_null)] = ()


class Order(Wire):
    """An entry of `order_list` in the answer of `get_order_detail`."""

    order_sn: str = Field(min_length=1, max_length=64)
    region: str | None = None
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    total_amount: Decimal
    order_status: str = Field(min_length=1, max_length=64)
    create_time: AwareDatetime
    update_time: AwareDatetime
    pay_time: Seconds | None = None
    cod: bool = False
    pending_terms: Annotated[tuple[Any, ...], BeforeValidator(_empty_if_null)] = ()
    fulfillment_flag: str | None = None
    checkout_shipping_carrier: str | None = None
    shipping_carrier: str | None = None
    message_to_seller: str | None = None
    buyer_username: str | None = None
    buyer_cpf_id: str | None = None
    buyer_cancel_reason: str | None = None
    cancel_reason: str | None = None
    recipient_address: Address | None = None
    item_list: tuple[Item, ...] = Field(min_length=1)
    package_list: Annotated[tuple[Package, ...], BeforeValidator(_empty_if_null)] = ()


class Answer(Wire):
    """What every answer is wrapped in. It went well when `error` is empty, whatever the HTTP status says."""

    error: str = ""
    warning: Any = None
    response: Any = None


class Granted(Wire):
    """Tokens, beside `error` and not inside `response`."""

    access_token: str = Field(min_length=1)
    refresh_token: str = Field(min_length=1)
    expire_in: int = Field(gt=0, le=10_000_000)


class Orders(Wire):
    order_list: tuple[dict[str, Any], ...] = ()


class ListedOrder(Wire):
    order_sn: str


class ListedOrders(Wire):
    more: bool = False
    next_cursor: str = ""
    order_list: tuple[ListedOrder, ...] = ()


class TimeSlot(Wire):
    pickup_time_id: str
    flags: Annotated[tuple[str, ...], BeforeValidator(_empty_if_null)] = ()


class PickupAddress(Wire):
    address_id: int
    address_flag: Annotated[tuple[str, ...], BeforeValidator(_empty_if_null)] = ()
    time_slot_list: Annotated[tuple[TimeSlot, ...], BeforeValidator(_empty_if_null)] = ()


class Pickup(Wire):
    address_list: Annotated[tuple[PickupAddress, ...], BeforeValidator(_empty_if_null)] = ()


class InfoNeeded(Wire):
    """None: the package cannot be handed over so. Empty: it can, and nothing has to be said for it."""

    pickup: tuple[str, ...] | None = None
    dropoff: tuple[str, ...] | None = None
    non_integrated: tuple[str, ...] | None = None


class ShippingParameter(Wire):
    info_needed: InfoNeeded
    pickup: Pickup | None = None


class TrackingNumber(Wire):
    tracking_number: str | None = None


class DocumentResult(Wire):
    package_number: str | None = None
    status: str | None = None
    fail_error: str | None = None


class DocumentResults(Wire):
    result_list: Annotated[tuple[DocumentResult, ...], BeforeValidator(_empty_if_null)] = ()


class FoundItems(Wire):
    item_id_list: Annotated[tuple[int, ...], BeforeValidator(_empty_if_null)] = ()


class ItemInfo(Wire):
    item_id: int
    item_sku: str | None = None
    has_model: bool = False


class ItemInfos(Wire):
    item_list: Annotated[tuple[ItemInfo, ...], BeforeValidator(_empty_if_null)] = ()


class Model(Wire):
    model_id: int
    model_sku: str | None = None


class Models(Wire):
    model: Annotated[tuple[Model, ...], BeforeValidator(_empty_if_null)] = ()


class StockFailure(Wire):
    model_id: int = 0
    failed_reason: str | None = None


class StockSuccess(Wire):
    model_id: int = 0


class StockUpdated(Wire):
    failure_list: Annotated[tuple[StockFailure, ...], BeforeValidator(_empty_if_null)] = ()
    success_list: tuple[StockSuccess, ...] | None = None
