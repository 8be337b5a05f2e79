"""What has to be printed for a parcel besides what its carrier makes, and the figures that stand on it.

One object feeds every paper, so label, declaration and invoice cannot contradict each other.
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from shipping_service.domain.consignment import ConsignmentRequest, CustomsItem, DocumentKind, TaxId
from shipping_service.domain.money import minor_unit

#: A letter-post item below this, and no heavier than two kilograms, goes with the small form. Source: UPU
#: Convention's regulations as postal operators tell them (several pages, read 2026-11-22); 300 SDR exactly
#: is CN23 already.
CN22_BELOW_SDR: Final = Decimal(300)
CN22_MOST_G: Final = 2_000

#: What the form has room for at a readable size.
CN22_MOST_LINES: Final = 4

#: Numbers that customs reads on paper. IOSS and its like (VOEC, ARN) let whoever knows them import at their
#: holder's cost: they go in the electronic data and on no paper.
_PRINTED: Final = frozenset({"CNPJ", "CPF", "EIN", "EORI", "GST", "VAT"})

_S10: Final = re.compile(r"[A-Z]{2}(\d{8})(\d)[A-Z]{2}")
_S10_WEIGHTS: Final = (8, 6, 4, 2, 3, 5, 9, 7)


@dataclass(frozen=True, slots=True)
class Papers:
    """A sold parcel as its papers show it. `day`: when the label was asked for, the same at every repeat."""

    request: ConsignmentRequest
    carrier: str
    tracking_number: str
    day: date
    order_number: str | None = None

    @property
    def totals(self) -> Sequence[tuple[Decimal, str]]:
        """What the lines add up to, one per currency."""
        sums: dict[str, Decimal] = {}
        for item in self.request.customs:
            sums[item.currency] = sums.get(item.currency, Decimal(0)) + line_total(item)
        return [(amount, currency) for currency, amount in sorted(sums.items())]

    @property
    def net_weight_g(self) -> int:
        return sum(item.unit_weight_g * item.units for item in self.request.customs)

    def tax_ids(self, *, of_sender: bool) -> Sequence[TaxId]:
        """Those that belong on paper."""
        return [
            one for one in self.request.tax_ids if one.of_sender is of_sender and one.kind.upper() in _PRINTED
        ]


def papers_to_print(
    request: ConsignmentRequest, *, makes: Set[DocumentKind], postal: bool, given: Set[DocumentKind]
) -> Sequence[DocumentKind]:
    """What the parcel needs, and neither its carrier makes nor has given, in the order it is printed."""
    needed = [DocumentKind.LABEL]
    if request.customs and postal:
        needed.append(DocumentKind.CUSTOMS_DECLARATION)
    if request.customs:
        needed.append(DocumentKind.COMMERCIAL_INVOICE)
    return [one for one in needed if one not in makes and one not in given]


def fits_cn22(papers: Papers, sdr_rates: Mapping[str, Decimal]) -> bool:
    """Whether the small form will do. Without a rate (units of the currency for one SDR): no."""
    request = papers.request
    if request.box.weight_g > CN22_MOST_G or not 0 < len(request.customs) <= CN22_MOST_LINES:
        return False
    if any(currency not in sdr_rates for _, currency in papers.totals):
        return False
    return sum(amount / sdr_rates[currency] for amount, currency in papers.totals) < CN22_BELOW_SDR


def line_total(item: CustomsItem) -> Decimal:
    """In the currency's minor unit; the sums are sums of these."""
    return (item.unit_value * item.units).quantize(minor_unit(item.currency), ROUND_HALF_UP)


def amount_text(amount: Decimal, currency: str) -> str:
    """With the currency's decimals, and more where the amount has them: `12.50`, `0.0833`, `1200` for JPY."""
    decimals = max(
        -int(minor_unit(currency).as_tuple().exponent), -int(amount.normalize().as_tuple().exponent)
    )
    return f"{amount:.{decimals}f}"


def weight_text(weight_g: int) -> str:
    return f"{Decimal(weight_g) / 1000:.3f}"


def is_s10(number: str) -> bool:
    """A postal item number with the right check digit. Source: UPU standard S10."""
    found = _S10.fullmatch(number)
    if found is None:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_S10_WEIGHTS, found[1], strict=True))
    check = 11 - total % 11
    return int(found[2]) == {10: 0, 11: 5}.get(check, check)


def number_text(number: str) -> str:
    """As people read it: a postal number in groups, any other as it is."""
    if not is_s10(number):
        return number
    return f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:11]} {number[11:]}"
