"""One order as every marketplace's mapping gives it: whatever the platform calls things, here they have one
name.

The rules are those of the marketplace fact sheets: empty text is None, text is kept as received, amounts are
minor units, a platform's total is never repaired.
"""

import hashlib
import json
from dataclasses import dataclass, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class PaymentStatus(StrEnum):
    PENDING = "pending"
    AUTHORIZED = "authorized"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"

    @property
    def settled(self) -> bool:
        """Whether the seller has the buyer's money (and not given all of it back)."""
        return self in {PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED}


class FulfilmentStatus(StrEnum):
    UNFULFILLED = "unfulfilled"
    PARTIAL = "partial"
    FULFILLED = "fulfilled"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class CanonicalTotals:
    """Minor units of the order's currency. None: the payload does not say."""

    items_subtotal: int
    discount_total: int
    shipping_total: int | None
    tax_total: int
    marketplace_collected_tax: int
    other_charges_total: int | None
    grand_total: int
    refunded_total: int


@dataclass(frozen=True, slots=True)
class CanonicalLine:
    """`quantity` is as ordered, `cancelled_quantity` of it not wanted any more. `ships`: one can send it."""

    external_line_id: str
    external_line_ids: tuple[str, ...]
    sku: str | None
    title: str
    quantity: int
    cancelled_quantity: int
    unit_price: int
    discount: int
    tax: int
    ships: bool = True

    @property
    def total(self) -> int:
        """What was paid for the line before order-level charges."""
        return self.unit_price * self.quantity - self.discount


@dataclass(frozen=True, slots=True)
class TaxId:
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Address:
    """Personal data. The parts as the buyer wrote them; `country` is ISO 3166-1 alpha-2."""

    name: str | None = None
    company: str | None = None
    lines: tuple[str, ...] = ()
    district: str | None = None
    city: str | None = None
    province: str | None = None
    postal_code: str | None = None
    country: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class CanonicalBuyer:
    """Personal data."""

    name: str | None = None
    email: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class CanonicalOrder:
    platform: str
    external_id: str
    order_number: str
    placed_at: datetime
    updated_at: datetime
    currency: str
    tax_included: bool | None
    totals: CanonicalTotals
    lines: tuple[CanonicalLine, ...]
    ship_to: Address | None
    buyer: CanonicalBuyer
    payment_status: PaymentStatus
    fulfilment_status: FulfilmentStatus
    cancelled: bool
    cancel_reason: str | None = None
    shipping_method: str | None = None
    notes: str | None = None
    tax_ids: tuple[TaxId, ...] = ()
    flags: tuple[str, ...] = ()
    test: bool = False
    presentment_total: tuple[int, str] | None = None
    #: Why the platform keeps the order back by itself, in its own word and without personal data; None: it
    #: does not. Says nothing of the money.
    platform_hold: str | None = None
    #: The body leaves out what decides what is to be sent; the platform tells it when it is asked.
    incomplete: bool = False

    def fingerprint(self) -> str:
        """SHA-256 over what the platform says of the order: equal when it says the same."""
        said = fields_of(self)
        del said["updated_at"], said["incomplete"]
        if self.platform_hold is None:  # as it was told before there was a word for it
            del said["platform_hold"]
        return digest(said)


def text_of(given: str | None) -> str | None:
    """Empty text is no text; anything else stays as received, but for NUL, which no column can hold."""
    return given.replace("\0", "") or None if given else None


def fields_of(one: "DataclassInstance") -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def digest(said: object) -> str:
    """SHA-256, in hex, of dataclasses and of what JSON knows; other values count as their text."""
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(one: object) -> object:
    return fields_of(one) if is_dataclass(one) and not isinstance(one, type) else str(one)
