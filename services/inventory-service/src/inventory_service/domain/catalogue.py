"""Warehouses and SKUs as the seller entered them. Deactivated, never deleted."""

from collections.abc import Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """A place stock leaves from. `serves` None means every country; a lower `priority` is preferred.

    `time_zone` is an IANA name and `cut_off` local time HH:MM.
    """

    code: str
    name: str
    company: str | None = None
    address_lines: tuple[str, ...]
    city: str
    province: str | None = None
    postal_code: str | None = None
    country: str
    phone: str | None = None
    email: str | None = None
    time_zone: str
    cut_off: str
    hand_over: str
    priority: int = 100
    serves: Set[str] | None = None
    active: bool = True

    def can_serve(self, country: str | None) -> bool:
        """Whether new promises for `country` may be made from here."""
        return self.active and self.reaches(country)

    def reaches(self, country: str | None) -> bool:
        """Whether orders to `country` may leave from here. Without an address (yet) every place will do."""
        return self.serves is None or country is None or country in self.serves


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """One stock-keeping unit. Sizes are millimetres, weights grams; None means nobody has said it yet."""

    sku: str
    title: str
    weight_g: int | None = None
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    hs_code: str | None = None
    origin_country: str | None = None
    customs_description: str | None = None
    battery: str = "none"
    active: bool = True
