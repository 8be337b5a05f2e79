"""The fields of YunExpress's open API that we use, named as they name them: KG, CM, CNY called RMB.

Source: the platform's own texts as evan-lc/yunexpress-sdk keeps them (`skills/yunexpress/references/
openapi.yaml`), read 2026-11-22.
"""

from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

#: Some of their own examples of success carry no code.
OK_CODES: Final = frozenset({"", "00000000"})


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


class AskToken(Said):
    grantType: str
    appId: str
    appSecret: str
    sourceKey: str | None


class Token(Heard):
    """`expiresIn`: seconds."""

    accessToken: str = Field(min_length=1, repr=False)
    expiresIn: float = Field(default=7200, gt=0)


class Envelope(Heard):
    """`msg` may repeat what was sent."""

    success: bool
    code: str | None = None
    msg: str | None = None
    result: Any = None


class Party(Said):
    first_name: str
    last_name: str
    company: str | None
    country_code: str
    province: str | None
    city: str | None
    address_lines: tuple[str, ...]
    postal_code: str | None
    phone_number: str | None
    email: str | None


class Package(Said):
    weight: float
    length: int | None
    width: int | None
    height: int | None


class Declared(Said):
    """One SKU; price and weight are those of one unit."""

    sku_code: str
    name_local: str
    name_en: str
    quantity: int
    unit_price: float
    unit_weight: float
    hs_code: str
    currency: str


class CreateOrder(Said):
    product_code: str
    customer_order_number: str
    weight_unit: str
    size_unit: str
    packages: tuple[Package, ...]
    receiver: Party
    sender: Party
    declaration_info: tuple[Declared, ...]
    customs_number: str | dict[str, str] | None


class CancelOrder(Said):
    waybill_number: str


class Order(Heard):
    """As created and as looked up; only a creation tells `track_type`, only a look-up `status`."""

    customer_order_number: str
    waybill_number: str | None = None
    tracking_number: str | None = None
    track_type: str | None = None
    status: str | None = None


class Label(Heard):
    """`label_string`: base64, or empty where only the link is given."""

    url: str | None = None
    label_string: str | None = Field(default=None, repr=False)


class Fee(Heard):
    product_code: str
    calculate_amount: Decimal = Field(ge=0, max_digits=15)
    currency: str


class Fees(Heard):
    fees: tuple[Fee, ...]
