"""The commercial invoice that customs reads. It is none for the buyer's taxes.

Fields: those that DHL's, UPS' and FedEx' specifications have in common, read 2026-11-22.
"""

from typing import Any, Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether, Spacer

from shipping_service.adapters.papers.sheet import address_lines, cell, grid, pages
from shipping_service.domain.consignment import Address, CustomsItem
from shipping_service.domain.papers import Papers, amount_text, line_total, weight_text

DECLARED: Final = (
    "I declare that all the information in this invoice is true and correct, and that the goods are of the "
    "origin that is stated for each line."
)


def commercial_invoice(papers: Papers) -> bytes:
    """As many pages as the lines take, their heads on each; totals and signature are never parted."""

    def story(width: float) -> list[Any]:
        request = papers.request
        heads = (
            "No.",
            "Description of goods",
            "SKU",
            "HS code",
            "Origin",
            "Units",
            "Net kg",
            "Unit value",
            "Line value",
        )
        parts = (0.05, 0.28, 0.12, 0.1, 0.07, 0.07, 0.09, 0.11, 0.11)
        lines = [
            [cell(one, 7) for one in heads],
            *(_line(number, item) for number, item in enumerate(request.customs, start=1)),
        ]
        return [
            cell("COMMERCIAL INVOICE", 16),
            Spacer(1, 6 * mm),
            grid(_about(papers), [width / 2] * 2),
            grid(
                [
                    [
                        cell(_party("Exporter / sender", request.ship_from, papers, of_sender=True), 8),
                        cell(_party("Consignee", request.ship_to, papers, of_sender=False), 8),
                    ]
                ],
                [width / 2] * 2,
            ),
            Spacer(1, 4 * mm),
            grid(lines, [width * part for part in parts], heads=1),
            KeepTogether(
                [
                    grid(_ends(papers), [width * 0.6, width * 0.4]),
                    Spacer(1, 6 * mm),
                    *_signature(papers, width),
                ]
            ),
        ]

    return pages(A4, 15 * mm, story, papers.request.reference)


def _about(papers: Papers) -> list[list[Any]]:
    request = papers.request
    incoterm = request.incoterm
    return [
        [cell(f"Invoice no.: {request.reference}", 8), cell(f"Date: {papers.day.isoformat()}", 8)],
        [
            cell(f"Order no.: {papers.order_number or '-'}", 8),
            cell(f"Waybill: {papers.carrier} {papers.tracking_number}", 8),
        ],
        [
            cell("Reason for export: sale of goods", 8),
            cell(
                f"Terms of delivery (Incoterms 2020): {incoterm} {request.ship_to.city or ''}"
                if incoterm
                else "",
                8,
            ),
        ],
    ]


def _party(title: str, address: Address, papers: Papers, *, of_sender: bool) -> str:
    lines = [title, *address_lines(address)]
    lines += [f"Phone: {address.phone}"] if address.phone else []
    lines += [f"E-mail: {address.email}"] if address.email else []
    lines += [f"{one.kind.upper()}: {one.value}" for one in papers.tax_ids(of_sender=of_sender)]
    return "\n".join(lines)


def _line(number: int, item: CustomsItem) -> list[Any]:
    return [
        cell(str(number), 7),
        cell(item.description, 7),
        cell(item.sku, 7),
        cell(item.hs_code, 7),
        cell(item.origin_country, 7),
        cell(str(item.units), 7, right=True),
        cell(weight_text(item.unit_weight_g * item.units), 7, right=True),
        cell(f"{amount_text(item.unit_value, item.currency)} {item.currency}", 7, right=True),
        cell(f"{amount_text(line_total(item), item.currency)} {item.currency}", 7, right=True),
    ]


def _ends(papers: Papers) -> list[list[Any]]:
    totals = [
        [cell("Invoice total", 9), cell(f"{amount_text(amount, currency)} {currency}", 9, right=True)]
        for amount, currency in papers.totals
    ]
    weights = (
        f"Packages: 1   Net weight: {weight_text(papers.net_weight_g)} kg   "
        f"Gross weight: {weight_text(papers.request.box.weight_g)} kg"
    )
    return [*totals, [cell(weights, 8), ""]]


def _signature(papers: Papers, width: float) -> list[Any]:
    sender = papers.request.ship_from
    name = sender.name or sender.company or ""
    return [
        cell(DECLARED, 8),
        Spacer(1, 12 * mm),
        grid(
            [[cell(f"Signature, name: {name}", 8), cell(f"Date: {papers.day.isoformat()}", 8)]],
            [width * 0.7, width * 0.3],
            ("GRID", (0, 0), (-1, -1), 0, "white"),
            ("LINEABOVE", (0, 0), (-1, 0), 0.5, "black"),
        ),
    ]
