"""4 x 6 inch labels that a person can read and a scanner too: PNG and GIF at 300 dpi, PDF, ZPL at 203 dpi."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import reportlab
from PIL import Image, ImageDraw, ImageFont
from reportlab.graphics.barcode.code128 import Code128
from reportlab.pdfgen.canvas import Canvas

PNG_SIZE = (1200, 1800)
PDF_SIZE = (288.0, 432.0)  # points
MODULE_DOTS = 4
TEXT_LIMIT = 60

MEDIA_TYPES = {"png": "image/png", "pdf": "application/pdf", "zpl": "application/zpl"}


@dataclass(frozen=True, slots=True)
class Label:
    carrier: str
    service: str
    tracking_code: str
    from_lines: Sequence[str]
    to_lines: Sequence[str]
    weight: str  # with its unit

    def draw(self, file_format: str) -> bytes:
        """The file's bytes: the same label in the same format is always the same bytes."""
        match file_format:
            case "png" | "gif":
                return _picture(self, file_format)
            case "pdf":
                return _pdf(self)
            case "zpl":
                return _zpl(self).encode()
        raise ValueError(f"no label format {file_format}")


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Vera, which comes with reportlab and, unlike Pillow's own font, has all of Latin-1."""
    return ImageFont.truetype(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf", size)


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:TEXT_LIMIT]


def latin(text: str) -> str:
    """The built-in fonts know no more; a letter they lack is shown as a question mark."""
    return _printable(text).encode("latin-1", "replace").decode("latin-1")


def _bars(code: str) -> list[tuple[bool, int]]:
    """The barcode as runs of (black, modules), without quiet zones."""
    symbol = Code128(code, quiet=0)
    symbol.validate()  # type: ignore[no-untyped-call]  # the stubs leave it out
    symbol.encode()  # type: ignore[no-untyped-call]  # the stubs leave it out
    symbol.decompose()  # type: ignore[no-untyped-call]  # the stubs leave it out
    # Upper case is a bar, lower case a gap; the letter tells how many modules wide, from a = 1.
    return [(letter.isupper(), ord(letter.lower()) - ord("a") + 1) for letter in symbol.decomposed]


def _picture(label: Label, file_format: str) -> bytes:
    image = Image.new("1", PNG_SIZE, 1)
    draw = ImageDraw.Draw(image)
    small, middle, large = (_font(size) for size in (34, 48, 72))
    draw.rectangle((10, 10, PNG_SIZE[0] - 10, PNG_SIZE[1] - 10), outline=0, width=4)
    draw.text((50, 30), label.carrier, fill=0, font=large)
    draw.text((50, 120), label.service, fill=0, font=small)
    draw.text((50, 170), "SANDBOX - NOT VALID FOR POSTAGE", fill=0, font=small)
    for number, line in enumerate(label.from_lines):
        draw.text((50, 230 + 46 * number), latin(line), fill=0, font=small)
    draw.line((10, 560, PNG_SIZE[0] - 10, 560), fill=0, width=4)
    for number, line in enumerate(label.to_lines):
        draw.text((120, 600 + 64 * number), latin(line), fill=0, font=middle)
    draw.text((50, 1100), label.weight, fill=0, font=middle)
    runs = _bars(label.tracking_code)
    left = (PNG_SIZE[0] - MODULE_DOTS * sum(modules for _, modules in runs)) // 2
    for black, modules in runs:
        width = modules * MODULE_DOTS
        if black:
            draw.rectangle((left, 1240, left + width - 1, 1560), fill=0)
        left += width
    draw.text((PNG_SIZE[0] // 2, 1600), label.tracking_code, fill=0, font=middle, anchor="ma")
    out = BytesIO()
    image.save(out, file_format, dpi=(300, 300))
    return out.getvalue()


def _pdf(label: Label) -> bytes:
    out = BytesIO()
    canvas = Canvas(out, pagesize=PDF_SIZE, pageCompression=0, invariant=1)
    canvas.setTitle(f"Label {label.tracking_code}")
    canvas.rect(4, 4, PDF_SIZE[0] - 8, PDF_SIZE[1] - 8)
    canvas.setFont("Helvetica-Bold", 14)
    canvas.drawString(12, 410, label.carrier)
    canvas.setFont("Helvetica", 8)
    canvas.drawString(12, 398, label.service)
    canvas.drawString(12, 388, "SANDBOX - NOT VALID FOR POSTAGE")
    for number, line in enumerate(label.from_lines):
        canvas.drawString(12, 374 - 11 * number, latin(line))
    canvas.line(4, 296, PDF_SIZE[0] - 4, 296)
    canvas.setFont("Helvetica", 12)
    for number, line in enumerate(label.to_lines):
        canvas.drawString(28, 276 - 15 * number, latin(line))
    canvas.drawString(12, 160, label.weight)
    barcode = Code128(label.tracking_code, barWidth=0.96, barHeight=72, quiet=0)
    barcode.drawOn(canvas, (PDF_SIZE[0] - barcode.width) / 2, 60)
    canvas.drawCentredString(PDF_SIZE[0] / 2, 40, label.tracking_code)
    canvas.save()
    return out.getvalue()


def _zpl(label: Label) -> str:
    lines = ["^XA^CI28^PW812^LL1218^LH0,0"]
    lines.append(f"^FO30,20^A0N,40,40^FH_^FD{_field(label.carrier)}^FS")
    lines.append(f"^FO30,62^A0N,24,24^FH_^FD{_field(label.service)}^FS")
    lines.append("^FO30,90^A0N,24,24^FDSANDBOX - NOT VALID FOR POSTAGE^FS")
    lines.extend(
        f"^FO30,{120 + 30 * number}^A0N,26,26^FH_^FD{_field(line)}^FS"
        for number, line in enumerate(label.from_lines)
    )
    lines.append("^FO0,380^GB812,3,3^FS")
    lines.extend(
        f"^FO80,{410 + 42 * number}^A0N,36,36^FH_^FD{_field(line)}^FS"
        for number, line in enumerate(label.to_lines)
    )
    lines.append(f"^FO30,740^A0N,32,32^FD{_field(label.weight)}^FS")
    lines.append(f"^FO60,860^BY2^BCN,200,Y,N,N,A^FD{_field(label.tracking_code)}^FS")
    lines.append("^XZ")
    return "\n".join(lines)


def _field(text: str) -> str:
    """Field data under ^FH_: a name can neither end the label nor start a command."""
    escaped = _printable(text).replace("_", "_5F")
    return escaped.replace("^", "_5E").replace("~", "_7E")
