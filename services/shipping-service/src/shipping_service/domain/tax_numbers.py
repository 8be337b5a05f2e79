"""Who issued a tax number."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shipping_service.domain.consignment import TaxId

#: The member state that issued an IOSS number: `IM`, then its ISO 3166-1 number, then the seller.
#: Source: European Commission, guide to the VAT One Stop Shop, on identification numbers.
IOSS_COUNTRIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "040": "AT", "056": "BE", "100": "BG", "191": "HR", "196": "CY", "203": "CZ", "208": "DK",
        "233": "EE", "246": "FI", "250": "FR", "276": "DE", "300": "GR", "348": "HU", "372": "IE",
        "380": "IT", "428": "LV", "440": "LT", "442": "LU", "470": "MT", "528": "NL", "616": "PL",
        "620": "PT", "642": "RO", "703": "SK", "705": "SI", "724": "ES", "752": "SE",
    }
)  # fmt: skip


def issuing_country(tax_id: TaxId, holders_country: str) -> str:
    """As far as the number says, else the country of the party that holds it."""
    kind, value = tax_id.kind.upper(), tax_id.value.upper()
    if kind == "IOSS" and value.startswith("IM"):
        return IOSS_COUNTRIES.get(value[2:5], holders_country)
    if kind in {"EORI", "VAT"} and re.fullmatch(r"[A-Z]{2}[0-9A-Z]+", value):
        # VAT numbers call Greece EL and Northern Ireland XI.
        return {"EL": "GR", "XI": "GB"}.get(value[:2], value[:2])
    return holders_country
