"""What every paper is made of: font, text that fits, bar codes, and PDFs whose bytes are always the same."""

import threading
from collections.abc import Callable, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from anyascii import anyascii
from babel import Locale
from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.colors import black
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

from shipping_service.domain.consignment import Address
from shipping_service.use_cases.ports import Unprintable

FONT: Final = "WenQuanYi Micro Hei"
_FILE: Final = Path(__file__).parent / "fonts" / "wqy-microhei.ttc"

_COUNTRIES: Final = Locale("en").territories

#: Scanners want ten modules of nothing on both sides, and modules of a third of a millimetre.
QUIET_MODULES: Final = 10
MODULE_MM: Final = 0.33
SMALLEST_MODULE_MM: Final = 0.25

#: The font's file is read with one position: one paper at a time.
printing: Final = threading.RLock()


@cache
def _font() -> TTFont:
    font = TTFont(FONT, str(_FILE), subfontIndex=0)
    pdfmetrics.registerFont(font)
    return font


def shown(text: str) -> str:
    """As the font can show it. Words with letters that it lacks are written in Latin ones, which postal forms
    ask for anyway.
    """
    glyphs = _font().face.charToGlyph
    words = " ".join("".join(one if one.isprintable() else " " for one in text).split()).split(" ")
    return " ".join(word if all(ord(one) in glyphs for one in word) else anyascii(word) for word in words)


def width_of(text: str, size: float) -> float:
    return pdfmetrics.stringWidth(text, FONT, size)


def wrap(text: str, size: float, width: float) -> list[str]:
    """Lines no wider than `width`, broken between words, and inside one that is wider than a line."""
    lines: list[str] = []
    line = ""
    for word in shown(text).split(" "):
        longer = f"{line} {word}".strip()
        if width_of(longer, size) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, word = _broken(word, size, width)  # noqa: PLW2901 - what is left of it
        lines += whole
        line = word
    return [*lines, line] if line else lines


def _broken(word: str, size: float, width: float) -> list[str]:
    """A word in parts that fit, the last of which may have room for more."""
    parts, used = [""], 0.0
    for letter in word:
        wide = width_of(letter, size)
        if parts[-1] and used + wide > width:
            parts.append("")
            used = 0.0
        parts[-1] += letter
        used += wide
    return parts


def fit(
    texts: Sequence[str], *, width: float, height: float, largest: float, smallest: float
) -> tuple[list[str], float]:
    """The texts as lines in the largest size at which all of them are there. Raises Unprintable."""
    size = largest
    while size >= smallest:
        lines = [line for text in texts for line in wrap(text, size, width)]
        if len(lines) * size * 1.2 <= height:
            return lines, size
        size -= 0.5
    raise Unprintable("text")


def code_128(value: str, *, width: float, height: float) -> Code128:
    """No wider than `width` with its quiet zones. Raises Unprintable below the smallest readable module."""
    module = MODULE_MM * mm
    while module >= SMALLEST_MODULE_MM * mm:
        code = Code128(
            value,
            barWidth=module,
            barHeight=height,
            quiet=True,
            lquiet=QUIET_MODULES * module,
            rquiet=QUIET_MODULES * module,
        )
        if code.width <= width:
            return code
        module -= 0.01 * mm
    raise Unprintable("bar code")


def one_page(size: tuple[float, float], draw: Callable[[Canvas], None]) -> bytes:
    """A page of this size, drawn by hand."""
    with printing:
        _font()
        file = BytesIO()
        canvas = Canvas(file, pagesize=size, invariant=1)
        draw(canvas)
        canvas.showPage()
        canvas.save()
        return file.getvalue()


def pages(
    size: tuple[float, float],
    margin: float,
    story: Callable[[float], list[Any]],
    footer: str,
    *,
    most: int | None = None,
) -> bytes:
    """As many pages as it takes, each with footer and number. `story` is told the width that there is.

    Raises Unprintable when it takes more than `most`.
    """

    def foot(canvas: Canvas, document: Any) -> None:
        canvas.setFont(FONT, 6)
        canvas.drawString(margin, margin * 0.45, shown(footer))
        canvas.drawRightString(size[0] - margin, margin * 0.45, f"page {document.page}")

    with printing:
        _font()
        file = BytesIO()
        document = SimpleDocTemplate(
            file,
            pagesize=size,
            leftMargin=margin,
            rightMargin=margin,
            topMargin=margin,
            bottomMargin=margin,
            invariant=1,
        )
        document.build(story(size[0] - 2 * margin - 12), onFirstPage=foot, onLaterPages=foot)
        if most is not None and document.page > most:
            raise Unprintable("pages")
        return file.getvalue()


def cell(text: str, size: float = 7, *, right: bool = False) -> Paragraph:
    """Text in a table, one paragraph per line of it."""
    style = ParagraphStyle(
        "cell", fontName=FONT, fontSize=size, leading=size * 1.2, alignment=2 if right else 0
    )
    return Paragraph("<br/>".join(escape(shown(line)) for line in text.split("\n")), style)


def grid(
    rows: Sequence[list[Any]], widths: Sequence[float], *styles: tuple[Any, ...], heads: int = 0
) -> Table:
    """Lined boxes; the first `heads` rows come again on every page."""
    table = Table(rows, colWidths=widths, repeatRows=heads)
    table.setStyle(
        [
            ("GRID", (0, 0), (-1, -1), 0.5, black),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            *((f"{side}PADDING", (0, 0), (-1, -1), 2) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")),
            *styles,
        ]
    )
    return table


def address_lines(address: Address) -> list[str]:
    """Name, company, street, place, country in capital letters as the UPU asks, each where it is known."""
    country = _COUNTRIES.get(address.country, address.country).upper()
    place = " ".join(one for one in (address.postal_code, address.city, address.province) if one)
    lines = [address.name, address.company, *address.lines, place, country]
    return [one for one in lines if one]
