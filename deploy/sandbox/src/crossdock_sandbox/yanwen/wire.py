"""What Yanwen's calls may hold, named as it does, and the envelope around what it answers.

Source: zengweigg/yw56, `model/*.go`, read 2026-11-22. Which fields have to be there and how long they may be
is known of a few (ioss, taxNumber, eori); the rest is stricter than anything written, so that mistakes show.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from crossdock_sandbox.calls import Answer

OK = "0"
UNSIGNED = "1009"
INVALID = "1001"
NO_SUCH_CHANNEL = "1002"
DUPLICATE = "1003"
NOT_FOUND = "1004"
TOO_LATE = "1005"

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]  # the original takes its own ids as well
Code = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Text = Annotated[str, StringConstraints(max_length=200)]
Named = Annotated[str, StringConstraints(min_length=1, max_length=200)]
TaxNumber = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Money = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,2})?$")]
Grams = Annotated[int, Field(ge=1, le=100_000, strict=True)]
Centimetres = Annotated[int, Field(ge=1, le=1000, strict=True)]


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Party(Wire):
    name: Named
    phone: Text | None = None
    email: Text | None = None
    company: Text | None = None
    country: Country
    state: Text | None = None
    city: Text | None = None
    zipCode: Text | None = None
    houseNumber: Text | None = None
    address: Named
    taxNumber: TaxNumber | None = None


class Product(Wire):
    """Prices and weight are those of one unit; numbers are text but for the weight, as in the samples."""

    goodsNameCh: Named
    goodsNameEn: Named
    price: Money
    priceExport: Money
    hscode: Annotated[str, StringConstraints(pattern=r"^[0-9]{6,10}$")]
    url: Text | None = None
    material: Text | None = None
    quantity: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,4}$")]
    weight: Grams
    imei: Text | None = None


class Parcel(Wire):
    hasBattery: Literal[0, 1]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    totalPrice: Money
    totalQuantity: Annotated[int, Field(ge=1, strict=True)]
    totalWeight: Grams
    length: Centimetres | None = None
    width: Centimetres | None = None
    height: Centimetres | None = None
    ioss: TaxNumber | None = None
    productList: Annotated[list[Product], Field(min_length=1)]

    @property
    def worth(self) -> Decimal:
        return sum((Decimal(one.price) * int(one.quantity) for one in self.productList), Decimal(0))


class ImportCustoms(Wire):
    eori: Annotated[str, StringConstraints(min_length=1, max_length=64)]


class CreateOrder(Wire):
    channelId: Code
    userId: Code
    orderNumber: Code
    orderSource: Code
    dateOfReceipt: Text | None = None
    remark: Text | None = None
    salesPlatform: Text | None = None
    receiverInfo: Party
    senderInfo: Party | None = None
    parcelInfo: Parcel
    importCustomsInfo: ImportCustoms | None = None


class ListOrders(Wire):
    listNumber: Annotated[list[Code], Field(min_length=1, max_length=50)]


class OneOrder(Wire):
    """Of `express.order.get`, which takes no other number."""

    waybillNumber: Code


class AskLabel(OneOrder):
    printRemark: Literal[0, 1] = 0


class CancelOrder(OneOrder):
    note: Text | None = None


def envelope(data: Any, *, code: str = OK, message: str = "") -> dict[str, Any]:
    return {"success": code == OK, "code": code, "message": message, "data": data}


@dataclass(frozen=True)
class Refused(Exception):
    """Comes under HTTP 200. Codes and texts are made up; below 0 something broke on their side."""

    code: str
    message: str
    status: int = 200

    def answer(self) -> Answer:
        said = envelope(None, code=self.code, message=self.message)
        return Answer(said, self.status, f"refused:{self.code}", detail={"message": self.message})


def invalid(error: ValidationError) -> Refused:
    """The first field that does not fit."""
    first = error.errors()[0]
    return Refused(INVALID, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")


class Words:
    """Yanwen's form of what any platform may say."""

    def server_error(self) -> Answer:
        return Refused("-1", "系统异常", 500).answer()

    def throttled(self) -> Answer:
        return Refused("1029", "请求过于频繁", 429).answer()

    def refused(self, operation: str) -> Answer:
        return Refused(NO_SUCH_CHANNEL, "channelId: 产品未开通").answer()
