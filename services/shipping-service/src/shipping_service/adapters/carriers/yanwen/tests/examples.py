"""A consignment as the service asks for it; tests change what they are about."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from shipping_service.adapters.carriers.yanwen.settings import YanwenSettings
from shipping_service.domain.consignment import Address, Box, ConsignmentRequest, CustomsItem

SAMPLES = Path(__file__).parent / "samples"

USER_ID, API_TOKEN, MERCHANT = "100000", "yw-token-0001", "YW-M-0001"
REFERENCE = "019aa7f0-5f6e-7c3a-9d7e-0a1b2c3d4e5f/1"
ORDER_NUMBER = "019aa7f0-5f6e-7c3a-9d7e-0a1b2c3d4e5f-1"

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
CURITIBA = Address(
    name="Ana Souza",
    lines=("Rua XV de Novembro 100", "Apto 4"),
    city="Curitiba",
    province="PR",
    postal_code="80020-310",
    country="BR",
    phone="+554133334444",
    email="ana.souza@example.com",
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


def the_settings(**changes: Any) -> YanwenSettings:
    given: dict[str, Any] = {
        "user_id": USER_ID,
        "api_token": SecretStr(API_TOKEN),
        "merchant_number": SecretStr(MERCHANT),
    }
    return YanwenSettings(**given | changes)


def a_request(**changes: Any) -> ConsignmentRequest:
    """One parcel from Shenzhen to Curitiba."""
    request = ConsignmentRequest(
        reference=REFERENCE,
        service="481",
        ship_from=LUMO,
        ship_to=CURITIBA,
        box=Box(weight_g=701, length_mm=121, width_mm=100, height_mm=90),
        customs=(MUGS,),
        incoterm="DAP",
    )
    return replace(request, **changes)
