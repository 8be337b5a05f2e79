"""Our own label, 4 by 6 inches, for carriers that give a number and no label."""

from typing import Final

from reportlab.lib.units import inch, mm
from reportlab.pdfgen.canvas import Canvas

from shipping_service.adapters.papers.sheet import (
    FONT,
    address_lines,
    code_128,
    fit,
    one_page,
    shown,
    width_of,
)
from shipping_service.domain.papers import Papers, number_text, weight_text

SIZE: Final = (4 * inch, 6 * inch)
MARGIN: Final = 4 * mm
WIDTH: Final = SIZE[0] - 2 * MARGIN


def label(papers: Papers) -> bytes:
    """Sender, addressee, service, weight, and the number as Code 128 at full size. Raises Unprintable."""
    return one_page(SIZE, lambda canvas: _draw(canvas, papers))


def _draw(canvas: Canvas, papers: Papers) -> None:
    request = papers.request
    top = SIZE[1] - MARGIN
    _block(canvas, "FROM", address_lines(request.ship_from), top=top, height=27 * mm, largest=8)
    _rule(canvas, top - 31 * mm)
    _block(canvas, "TO", address_lines(request.ship_to), top=top - 32 * mm, height=46 * mm, largest=14)
    _rule(canvas, top - 82 * mm)
    service, size = fit(
        [f"{papers.carrier} {request.service}"], width=WIDTH * 0.68, height=10 * mm, largest=12, smallest=5
    )
    _lines(canvas, service, size, top - 83 * mm)
    canvas.setFont(FONT, 12)
    canvas.drawRightString(SIZE[0] - MARGIN, top - 88 * mm, f"{weight_text(request.box.weight_g)} kg")
    _rule(canvas, top - 95 * mm)
    code = code_128(papers.tracking_number, width=WIDTH, height=26 * mm)
    code.drawOn(canvas, (SIZE[0] - code.width) / 2, top - 125 * mm)
    number = number_text(papers.tracking_number)
    canvas.setFont(FONT, 12 if width_of(number, 12) <= WIDTH else 7)
    canvas.drawCentredString(SIZE[0] / 2, top - 131 * mm, number)
    _rule(canvas, top - 134 * mm)
    note, size = fit(
        [f"{papers.day.isoformat()}  {papers.order_number or ''}", request.reference],
        width=WIDTH,
        height=10 * mm,
        largest=8,
        smallest=5,
    )
    _lines(canvas, note, size, top - 135 * mm)


def _block(
    canvas: Canvas, title: str, texts: list[str], *, top: float, height: float, largest: float
) -> None:
    canvas.setFont(FONT, 6)
    canvas.drawString(MARGIN, top - 6, shown(title))
    lines, size = fit(texts, width=WIDTH, height=height - 8, largest=largest, smallest=5)
    _lines(canvas, lines, size, top - 8)


def _lines(canvas: Canvas, lines: list[str], size: float, top: float) -> None:
    canvas.setFont(FONT, size)
    for number, line in enumerate(lines, start=1):
        canvas.drawString(MARGIN, top - number * size * 1.2, line)


def _rule(canvas: Canvas, y: float) -> None:
    canvas.setLineWidth(0.7)
    canvas.line(MARGIN, y, SIZE[0] - MARGIN, y)
