"""What a carrier is asked to carry and what it answers, in our units: grams, millimetres, minor units."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"^XA", "application/zpl"),
)


@dataclass(frozen=True, slots=True)
class Address:
    """A sender or a consignee. `lines`: non-empty address lines in order; `country`: ISO 3166-1 alpha-2."""

    name: str | None
    lines: tuple[str, ...]
    city: str | None
    country: str
    company: str | None = None
    province: str | None = None
    postal_code: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class TaxId:
    """`kind`: IOSS, VAT, EORI, CPF, ...; `of_sender` tells whose it is."""

    kind: str
    value: str
    of_sender: bool = False


@dataclass(frozen=True, slots=True)
class CustomsItem:
    """One SKU of the parcel as customs wants it; value and weight are those of one unit."""

    sku: str
    description: str
    units: int
    unit_value: Decimal
    currency: str
    unit_weight_g: int
    hs_code: str
    origin_country: str


@dataclass(frozen=True, slots=True)
class Box:
    """Outer size and gross weight; size is optional because light parcels are priced by weight alone."""

    weight_g: int
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None


@dataclass(frozen=True, slots=True)
class ConsignmentRequest:
    """One parcel to be carried.

    `reference` is ours, unique per label ever asked for: it is what we ask by later. `customs` is empty
    exactly when no border is crossed.
    """

    reference: str
    service: str
    ship_from: Address
    ship_to: Address
    box: Box
    customs: tuple[CustomsItem, ...] = ()
    incoterm: str | None = None
    tax_ids: tuple[TaxId, ...] = ()


class DocumentKind(StrEnum):
    LABEL = "label"
    COMMERCIAL_INVOICE = "commercial_invoice"
    CUSTOMS_DECLARATION = "customs_declaration"


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes as the carrier gave them; the media type is detected from the bytes, not believed."""

    kind: DocumentKind
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BoughtLabel:
    """A paid label. `carrier` and `service` name who really carries it, also behind an aggregator."""

    carrier_ref: str
    carrier: str
    service: str
    tracking_number: str
    tracking_url: str | None
    cost_minor: int | None
    cost_currency: str | None
    cost_exponent: int | None
    documents: tuple[Document, ...]
    tracker_ref: str | None = None


class VoidOutcome(StrEnum):
    """What the carrier says about taking a label back."""

    SUBMITTED = "submitted"  # asked for, the answer comes later
    VOIDED = "voided"
    REJECTED = "rejected"
    NOT_APPLICABLE = "not_applicable"  # nothing was charged, so there is nothing to give back


def media_type_of(content: bytes) -> str | None:
    """From the bytes alone; None when they are no label that we know."""
    start = content[:64].lstrip()
    return next((name for magic, name in _MAGIC if start.startswith(magic)), None)
