"""Our label in the language of label printers, 4 by 6 inches at 203 dots to the inch.

Source: Zebra's ZPL II command reference (^CI, ^FH, ^A0, ^BC, ^BY), read 2026-11-22. Lines are broken and
placed here, by what letters of font 0 are wide on average, because the printer would cut them. No printer has
printed it yet.
"""

import textwrap
from typing import Final

from shipping_service.adapters.papers.sheet import address_lines
from shipping_service.domain.papers import Papers, number_text, weight_text
from shipping_service.use_cases.ports import Unprintable

WIDTH, LENGTH, MARGIN = 812, 1218, 30
SIZES: Final = (44, 38, 32, 28, 24, 20, 16)
CHARACTER_WIDTH: Final = 0.62  # of the font's height
BAR_HEIGHT: Final = 200

#: A Code 128 symbol is 11 modules; start, check and stop come to 35, the quiet zones to 20.
SYMBOL, AROUND = 11, 55


def can_show(papers: Papers) -> bool:
    """Whether the printer's own font has the letters; where not, the label is a PDF."""
    return all(ord(one) < 0x100 for line in _texts(papers) for one in line)


def label(papers: Papers) -> bytes:
    """One label. Raises Unprintable."""
    request = papers.request
    fields = [
        *_block(["FROM", *address_lines(request.ship_from)], top=30, height=210, largest=24),
        _rule(250),
        *_block(address_lines(request.ship_to), top=270, height=370, largest=44),
        _rule(650),
        *_block([f"{papers.carrier} {request.service}"], top=665, height=70, largest=32),
        *_block([f"{weight_text(request.box.weight_g)} kg"], top=740, height=40, largest=32),
        _rule(785),
        _bar_code(papers.tracking_number, top=810),
        *_block([number_text(papers.tracking_number)], top=1025, height=50, largest=38),
        _rule(1085),
        *_block(
            [f"{papers.day} {papers.order_number or ''}", request.reference], top=1100, height=90, largest=24
        ),
    ]
    return "\n".join([f"^XA^CI28^PW{WIDTH}^LL{LENGTH}^LH0,0", *fields, "^XZ\n"]).encode()


def _texts(papers: Papers) -> list[str]:
    request = papers.request
    return [
        *address_lines(request.ship_from),
        *address_lines(request.ship_to),
        request.service,
        papers.order_number or "",
    ]


def _block(texts: list[str], *, top: int, height: int, largest: int) -> list[str]:
    """The texts in the largest size at which all of them are there."""
    for size in (one for one in SIZES if one <= largest):
        fits = int((WIDTH - 2 * MARGIN) / (size * CHARACTER_WIDTH))
        lines = [line for text in texts for line in textwrap.wrap(text, fits)]
        if len(lines) * size * 1.15 <= height:
            return [
                f"^FO{MARGIN},{top + int(number * size * 1.15)}^A0N,{size},{size}^FH_^FD{_escaped(line)}^FS"
                for number, line in enumerate(lines)
            ]
    raise Unprintable("text")


def _escaped(text: str) -> str:
    """Nothing in it is a command: whoever gives an address must not end the label, or print another."""
    kept = "".join(one for one in text if one.isprintable())
    return "".join(f"_{ord(one):02X}" if one in "^~_\\" else one for one in kept)


def _bar_code(number: str, *, top: int) -> str:
    for module in (3, 2):
        if (SYMBOL * len(number) + AROUND) * module <= WIDTH - 2 * MARGIN:
            place = f"^FO{MARGIN + 10 * module},{top}^BY{module}"
            return f"{place}^BCN,{BAR_HEIGHT},N,N,N,A^FH_^FD{_escaped(number)}^FS"
    raise Unprintable("bar code")


def _rule(top: int) -> str:
    return f"^FO{MARGIN},{top}^GB{WIDTH - 2 * MARGIN},3,3^FS"
