"""A consignment as the service asks for it; tests change what they are about."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from shipping_service.adapters.carriers.yunexpress.settings import YunExpressSettings
from shipping_service.domain.consignment import Address, Box, ConsignmentRequest, CustomsItem

SAMPLES = Path(__file__).parent / "samples"

APP_ID, APP_SECRET = "cd-demo-app", "yt_secret_0123456789abcdef"

LUMO = Address(
    name=None,
    company="Lumo",
    lines=("Bao'an, Fuyong 12",),
    city="Shenzhen",
    province="Guangdong",
    postal_code="518103",
    country="CN",
    phone="+8675512345678",
)
AUSTIN = Address(
    name="Ann Lee",
    lines=("1 Main St", "Apt 4"),
    city="Austin",
    province="TX",
    postal_code="78701",
    country="US",
    phone="+15125550142",
    email="ann.lee@example.com",
)
MUGS = CustomsItem(
    sku="MUG",
    description="Porcelain mug",
    units=2,
    unit_value=Decimal("12.5001"),
    currency="USD",
    unit_weight_g=320,
    hs_code="691110",
    origin_country="CN",
)


def the_settings(**changes: Any) -> YunExpressSettings:
    given: dict[str, Any] = {"app_id": APP_ID, "app_secret": SecretStr(APP_SECRET)}
    return YunExpressSettings(**given | changes)


def a_request(**changes: Any) -> ConsignmentRequest:
    """One parcel from Shenzhen to Austin, by a line that gives its number at once."""
    request = ConsignmentRequest(
        reference="019aa7f0-5f6e-7c3a-9d7e-0a1b2c3d4e5f/1",
        service="BKPHR",
        ship_from=LUMO,
        ship_to=AUSTIN,
        box=Box(weight_g=701, length_mm=121, width_mm=100, height_mm=90),
        customs=(MUGS,),
        incoterm="DAP",
    )
    return replace(request, **changes)
