"""The postal customs forms CN22 and CN23.

Fields and box numbers of CN23 as the OECD's copy of 2018 and Hong Kong Post's notes have them; the sizes, 74
by 105 mm and A5, are the usual ones and not confirmed by the UPU's own text (read 2026-11-22).
"""

from typing import Any, Final

from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether

from shipping_service.adapters.papers.sheet import address_lines, cell, code_128, grid, pages
from shipping_service.domain.consignment import Address, CustomsItem, TaxId
from shipping_service.domain.papers import Papers, amount_text, line_total, number_text, weight_text

CN22_SIZE: Final = (74 * mm, 105 * mm)
CN23_SIZE: Final = (210 * mm, 148 * mm)

CERTIFIED: Final = (
    "I certify that the particulars given in this declaration are correct and that this item contains no "
    "dangerous article and none that law or postal or customs regulations prohibit."
)
CATEGORIES: Final = (
    "[ ] Gift  [ ] Documents  [ ] Commercial sample",
    "[X] Sale of goods  [ ] Returned goods  [ ] Other",
)


def cn22(papers: Papers) -> bytes:
    """The small form. Raises Unprintable where its one page has no room, and the full form has to do."""

    def story(width: float) -> list[Any]:
        items = papers.request.customs
        parts = (0.34, 0.13, 0.2, 0.18, 0.15)
        lines: list[list[Any]] = [
            [
                cell(one, 5)
                for one in ("Quantity and detailed description", "kg", "Value", "HS number", "Origin")
            ],
            *([cell(text, 5.5) for text in _cn22_line(item)] for item in items),
            [
                cell("Total", 5.5),
                cell(weight_text(papers.request.box.weight_g), 5.5),
                cell(_totals(papers), 5.5),
                "",
                "",
            ],
        ]
        sender, addressee = (address_lines(one) for one in (papers.request.ship_from, papers.request.ship_to))
        return [
            grid(
                [[cell("CUSTOMS DECLARATION\nMay be opened officially", 6), cell("CN 22", 11, right=True)]],
                [width * 0.7, width * 0.3],
            ),
            grid(
                [
                    [cell(f"{papers.carrier}   {number_text(papers.tracking_number)}", 6)],
                    [cell("\n".join(CATEGORIES), 5.5)],
                ],
                [width],
            ),
            grid(lines, [width * part for part in parts], heads=1),
            grid(
                [[cell("From: " + ", ".join(sender), 5)], [cell("To: " + ", ".join(addressee), 5)]], [width]
            ),
            grid([[cell(CERTIFIED, 4.5)], [cell(_signed(papers), 6)]], [width]),
        ]

    return pages(CN22_SIZE, 3.5 * mm, story, papers.tracking_number, most=1)


def cn23(papers: Papers) -> bytes:
    """The full form; lines that do not fit go on on further pages, under the same heads."""

    def story(width: float) -> list[Any]:
        request = papers.request
        code = code_128(papers.tracking_number, width=width * 0.4, height=9 * mm)
        number = cell(f"No. of item: {number_text(papers.tracking_number)}", 7)
        top: list[list[Any]] = [
            [
                cell(f"{papers.carrier}\nCUSTOMS DECLARATION   CN 23\nMay be opened officially", 8),
                [code, number],
            ],
            [
                cell(
                    _party("From", request.ship_from, papers.tax_ids(of_sender=True), "Customs reference"), 7
                ),
                cell(
                    _party("To", request.ship_to, papers.tax_ids(of_sender=False), "Importer's reference"), 7
                ),
            ],
        ]
        heads = (
            "(1) Detailed description of contents",
            "(2) Quantity",
            "(3) Net weight kg",
            "(5) Value",
            "(7) HS tariff number",
            "(8) Country of origin",
        )
        parts = (0.36, 0.1, 0.12, 0.16, 0.14, 0.12)
        lines: list[list[Any]] = [
            [cell(one, 6) for one in heads],
            *([cell(text, 7) for text in _cn23_line(item)] for item in request.customs),
        ]
        ends = [
            [
                cell(f"(4) Total gross weight: {weight_text(request.box.weight_g)} kg", 7),
                cell(f"(6) Total value: {_totals(papers)}", 7),
                cell("(9) Postal charges / fees:", 7),
            ],
            [
                cell("(11) Comments:", 7),
                cell("(12) Licence no.:\n(13) Certificate no.:", 7),
                cell(f"(14) Invoice no.: {request.reference}", 7),
            ],
        ]
        third = [width / 3] * 3
        return [
            grid(top, [width / 2] * 2),
            grid(lines, [width * part for part in parts], heads=1),
            KeepTogether([grid(ends, third), *_cn23_end(papers, width)]),
        ]

    return pages(CN23_SIZE, 7 * mm, story, papers.tracking_number)


def _cn23_end(papers: Papers, width: float) -> list[Any]:
    return [
        grid(
            [
                [cell(f"(10) Category of item:   {'  '.join(CATEGORIES)}", 7)],
                [cell(CERTIFIED, 6)],
                [cell(f"(15) {_signed(papers)}", 7)],
            ],
            [width],
        ),
    ]


def _cn22_line(item: CustomsItem) -> list[str]:
    return [
        f"{item.units} x {item.description}",
        weight_text(item.unit_weight_g * item.units),
        f"{amount_text(line_total(item), item.currency)} {item.currency}",
        item.hs_code,
        item.origin_country,
    ]


def _cn23_line(item: CustomsItem) -> list[str]:
    return [
        item.description,
        f"{item.units} pcs",
        weight_text(item.unit_weight_g * item.units),
        f"{amount_text(line_total(item), item.currency)} {item.currency}",
        item.hs_code,
        item.origin_country,
    ]


def _party(title: str, address: Address, tax_ids: Any, reference: str) -> str:
    numbers: list[TaxId] = list(tax_ids)
    lines = [f"{title}: {', '.join(address_lines(address))}"]
    if address.phone:
        lines.append(f"Tel.: {address.phone}")
    lines += [f"{reference}: {one.kind.upper()} {one.value}" for one in numbers]
    return "\n".join(lines)


def _totals(papers: Papers) -> str:
    return ", ".join(f"{amount_text(amount, currency)} {currency}" for amount, currency in papers.totals)


def _signed(papers: Papers) -> str:
    sender = papers.request.ship_from
    name = sender.name or sender.company or ""
    return f"Date and sender's signature: {papers.day.isoformat()}, {name} ____________"
