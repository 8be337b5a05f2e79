"""A consignment as the service asks for it; tests change what they are about."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from shipping_service.adapters.carriers.ups.settings import UpsSettings
from shipping_service.domain.consignment import Address, Box, ConsignmentRequest, CustomsItem

SAMPLES = Path(__file__).parent / "samples"

CLIENT, SECRET = "cd-demo-client", "cd-demo-secret"
ACCOUNT = "CD0001"

LUMO = Address(
    name=None,
    company="Lumo",
    lines=("Dock 1",),
    city="Potsdam",
    postal_code="14467",
    country="DE",
    phone="+493311234567",
)
NEW_YORK = Address(
    name="Ann Lee",
    lines=("1 Main St", "Apt 4"),
    city="New York",
    province="NY",
    postal_code="10001-1234",
    country="US",
    phone="+1 212 555 0142",
    email="ann.lee@example.com",
)
HAMBURG = Address(
    name="Jörg Müller",
    lines=("Neuer Wall 2",),
    city="Hamburg",
    postal_code="20354",
    country="DE",
)
MUGS = CustomsItem(
    sku="MUG",
    description="Porcelain mug",
    units=2,
    unit_value=Decimal("12.50"),
    currency="EUR",
    unit_weight_g=320,
    hs_code="691110",
    origin_country="CN",
)


def the_settings(**changes: Any) -> UpsSettings:
    given: dict[str, Any] = {
        "client_id": SecretStr(CLIENT),
        "client_secret": SecretStr(SECRET),
        "account_number": ACCOUNT,
    }
    return UpsSettings(**given | changes)


def a_request(**changes: Any) -> ConsignmentRequest:
    """One parcel from Potsdam to New York."""
    request = ConsignmentRequest(
        reference="019aa7f0-5f6e-7c3a-9d7e-0a1b2c3d4e5f/1",
        service="65",
        ship_from=LUMO,
        ship_to=NEW_YORK,
        box=Box(weight_g=701, length_mm=90, width_mm=121, height_mm=100),
        customs=(MUGS,),
        incoterm="DAP",
    )
    return replace(request, **changes)


def a_domestic_request(**changes: Any) -> ConsignmentRequest:
    """One parcel from Potsdam to Hamburg, without customs."""
    return a_request(**{"service": "11", "ship_to": HAMBURG, "customs": (), "incoterm": None} | changes)
