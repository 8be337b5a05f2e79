"""The fields of Yanwen's order API that we use, named as they name them: grams, centimetres, money as text.

Source: zengweigg/yw56, `model/*.go`, which repeats the descriptions of opendocs.yw56.com.cn; read 2026-11-22.
"""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

OK: Final = "0"


class Said(BaseModel):
    """What we send. Only what is set goes out: see `body`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def body(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()


class Heard(BaseModel):
    """What they answer: more than we read, `null` for empty, and addresses that an error must not repeat."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, coerce_numbers_to_str=True
    )


class Envelope(Heard):
    """`code`: 0 that it was done, above it their no, below it that something broke on their side."""

    success: bool
    code: str | None = None
    message: str | None = None
    data: Any = None


class Party(Said):
    name: str
    phone: str | None
    email: str | None
    company: str | None
    country: str
    state: str | None
    city: str | None
    zipCode: str | None
    address: str
    taxNumber: str | None


class Product(Said):
    """One SKU; prices and weight are those of one unit. `priceExport` is what the export declaration says."""

    goodsNameCh: str
    goodsNameEn: str
    price: str
    priceExport: str
    hscode: str
    quantity: str
    weight: int


class Parcel(Said):
    """`totalPrice`: the sum of price times quantity."""

    hasBattery: int
    currency: str
    totalPrice: str
    totalQuantity: int
    totalWeight: int
    length: int | None
    width: int | None
    height: int | None
    ioss: str | None
    productList: tuple[Product, ...]


class ImportCustoms(Said):
    eori: str


class CreateOrder(Said):
    channelId: str
    userId: str
    orderNumber: str
    orderSource: str
    receiverInfo: Party
    senderInfo: Party
    parcelInfo: Parcel
    importCustomsInfo: ImportCustoms | None


class ListOrders(Said):
    """Waybill numbers or order numbers."""

    listNumber: tuple[str, ...]


class AskLabel(Said):
    """`printRemark`: with a picking list."""

    waybillNumber: str
    printRemark: int = 0


class CancelOrder(Said):
    waybillNumber: str
    note: str


class Order(Heard):
    """As created and as looked up; only a look-up tells `status`. The number of the last mile,
    `referenceNumber`, comes when it comes and is not read.
    """

    waybillNumber: str = Field(min_length=1)
    orderNumber: str
    status: str | None = None


class Orders(Heard):
    orders: tuple[Order, ...]


class Label(Heard):
    """`isSuccess` is theirs about the label alone: the envelope around it says that all went well."""

    isSuccess: bool
    base64String: str | None = Field(default=None, repr=False)
