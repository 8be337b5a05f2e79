"""A consignment as the service asks for it; tests change what they are about."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from shipping_service.domain.consignment import Address, Box, ConsignmentRequest, CustomsItem

SAMPLES = Path(__file__).parent / "samples"

LUMO = Address(
    name=None,
    company="Lumo",
    lines=("1 Main St",),
    city="Austin",
    province="TX",
    postal_code="78704",
    country="US",
    phone="+15125550142",
)
BERLIN = Address(
    name="Jörg Müller",
    lines=("Hauptstraße 1", "Hinterhaus", "3. Stock"),
    city="Berlin",
    postal_code="10115",
    country="DE",
    phone="+4930123456",
)
BOSTON = Address(
    name="Ann Lee",
    lines=("20 Beacon St",),
    city="Boston",
    province="MA",
    postal_code="02108",
    country="US",
)
PHONE_STANDS = CustomsItem(
    sku="STAND-ALU",
    description="Foldable phone stand, aluminium",
    units=2,
    unit_value=Decimal("24.99"),
    currency="USD",
    unit_weight_g=130,
    hs_code="847330",
    origin_country="CN",
)


def a_request(**changes: Any) -> ConsignmentRequest:
    """One parcel from Austin to Berlin."""
    request = ConsignmentRequest(
        reference="CD-000009-1",
        service="USPS:FirstClassPackageInternationalService",
        ship_from=LUMO,
        ship_to=BERLIN,
        box=Box(weight_g=320, length_mm=254, width_mm=200, height_mm=100),
        customs=(PHONE_STANDS,),
    )
    return replace(request, **changes)


def a_domestic_request(**changes: Any) -> ConsignmentRequest:
    """One parcel from Austin to Boston, without customs."""
    return a_request(**{"service": "USPS:GroundAdvantage", "ship_to": BOSTON, "customs": ()} | changes)
