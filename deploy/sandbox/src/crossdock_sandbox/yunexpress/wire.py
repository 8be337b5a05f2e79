"""What YunExpress's calls may hold, named as it does: the part of it that is needed here.

Source: the platform's own texts as evan-lc/yunexpress-sdk keeps them (`skills/yunexpress/references/
openapi.yaml`), read 2026-11-22. Of two names that its create call has for a field, that of its query's answer
is taken.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Text = Annotated[str, StringConstraints(max_length=200)]
Weight = Annotated[Decimal, Field(ge=Decimal("0.001"), le=1000, decimal_places=3)]
Side = Annotated[Decimal, Field(gt=0, le=1000, decimal_places=1)]


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AskToken(Wire):
    grantType: Literal["client_credentials"]
    appId: Code
    appSecret: Code
    sourceKey: Code | None = None


class Package(Wire):
    weight: Weight
    length: Side | None = None
    width: Side | None = None
    height: Side | None = None


class Party(Wire):
    first_name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    last_name: Text = ""
    company: Text | None = None
    country_code: Country
    province: Text | None = None
    city: Text | None = None
    address_lines: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=200)]], Field(min_length=1)
    ]
    postal_code: Text | None = None
    phone_number: Text | None = None
    email: Text | None = None


class Declared(Wire):
    """Price and weight are those of one unit."""

    sku_code: Text = ""
    name_local: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    name_en: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    quantity: Annotated[int, Field(ge=1)]
    unit_price: Annotated[Decimal, Field(gt=0, decimal_places=2)]
    unit_weight: Weight
    hs_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6,10}$")]
    currency: Currency


class CreateOrder(Wire):
    product_code: Code
    customer_order_number: Code
    weight_unit: Literal["KG"]  # the original takes G and LBS as well
    size_unit: Literal["CM"]  # and INCH
    packages: Annotated[list[Package], Field(min_length=1, max_length=1)]  # and several
    receiver: Party
    sender: Party | None = None
    declaration_info: Annotated[list[Declared], Field(min_length=1)]
    customs_number: str | dict[str, Any] | None = None


class CancelOrder(Wire):
    waybill_number: Code


class PriceQuestion(Wire):
    country_code: Country
    weight: Weight
    weight_unit: Literal["KG", "G", "LBS"]
    package_type: Literal["C", "E", "F"] = "C"
    pieces: Annotated[int, Field(ge=1)] = 1
    postal_code: str = ""
    origin: str = ""
    length: Side | None = None
    width: Side | None = None
    height: Side | None = None
    size_unit: Literal["CM", "INCH"] = "CM"
