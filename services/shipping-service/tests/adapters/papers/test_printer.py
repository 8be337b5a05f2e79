"""What is printed, looked at as a scanner and a reader look at it."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pypdfium2
import pytest
import zxingcpp

from shipping_service.adapters.papers.printer import PaperPrinter
from shipping_service.domain.consignment import (
    Address,
    Box,
    ConsignmentRequest,
    CustomsItem,
    DocumentKind,
    TaxId,
    media_type_of,
)
from shipping_service.domain.papers import Papers
from shipping_service.use_cases.ports import Unprintable

WANG = Address(
    "王小明",
    ("深圳市南山区科技园路 1 号",),
    "深圳",
    "CN",
    "深圳市流明科技有限公司",
    postal_code="518057",
    phone="+8675512345678",
)
JOERG = Address(
    "Jörg Müller-Lüdenscheidt von und zu Hohenstein-Waldburg der Jüngere",
    ("Straße der Jugend 1234, Hinterhaus, 3. Stock links", "c/o Żółć Ćwikła, Ελλάδα, Москва, 서울"),
    "Bad Homburg vor der Höhe",
    "DE",
    postal_code="61348",
    phone="+49301234567",
)
MUG = CustomsItem("mug", "Porcelain mug, glazed", 2, Decimal("12.5000"), "EUR", 320, "691110", "CN")
REQUEST = ConsignmentRequest(
    reference="01934f5e-7b1c-7000-8000-000000000031/1",
    service="Small packet",
    ship_from=WANG,
    ship_to=JOERG,
    box=Box(800),
    customs=(MUG,),
    incoterm="DAP",
    tax_ids=(TaxId("IOSS", "IM2760001234", of_sender=True), TaxId("EORI", "DE1234567")),
)
PAPERS = Papers(REQUEST, "china_post", "RR123456785CN", date(2026, 11, 22), "#1042")
PRINTER = PaperPrinter({"EUR": Decimal("1.2")})
CN23 = PaperPrinter({})


def pages(kind: DocumentKind, papers: Papers, printer: PaperPrinter = PRINTER) -> list[str]:
    """The text of each page, with blanks where lines end."""
    with pypdfium2.PdfDocument(printer.print(kind, papers).content) as document:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def bar_codes(kind: DocumentKind, papers: Papers, printer: PaperPrinter = PRINTER) -> list[tuple[str, str]]:
    """As a scanner reads the first page from 203 dots to the inch, which is what label printers have."""
    with pypdfium2.PdfDocument(printer.print(kind, papers).content) as document:
        image = document[0].render(scale=203 / 72, grayscale=True).to_pil()
    return [(one.format.name, one.text) for one in zxingcpp.read_barcodes(image)]


@pytest.mark.parametrize(
    "number", ["RR123456785CN", "1Z999AA10123456784", "9400111899223197428490", "4PX30001234"]
)
def test_the_label_can_be_scanned(number: str) -> None:
    assert bar_codes(DocumentKind.LABEL, replace(PAPERS, tracking_number=number)) == [("Code128", number)]


def test_the_large_form_can_be_scanned() -> None:
    assert bar_codes(DocumentKind.CUSTOMS_DECLARATION, PAPERS, CN23) == [("Code128", "RR123456785CN")]


def test_a_number_too_long_for_a_readable_bar_code_is_refused() -> None:
    with pytest.raises(Unprintable):
        PRINTER.print(DocumentKind.LABEL, replace(PAPERS, tracking_number="X" * 60))


def test_the_label_is_four_by_six_inches_and_says_who_and_where_in_their_own_letters() -> None:
    with pypdfium2.PdfDocument(PRINTER.print(DocumentKind.LABEL, PAPERS).content) as document:
        size = document[0].get_size()
    (text,) = pages(DocumentKind.LABEL, PAPERS)

    assert size == (288, 432)
    for part in (
        "王小明",
        "Jörg Müller-Lüdenscheidt",
        "Żółć Ćwikła, Ελλάδα, Москва, 서울",
        "GERMANY",
        "0.800 kg",
    ):
        assert part in text
    assert "RR 123 456 785 CN" in text


def test_letters_that_the_font_lacks_are_written_in_latin_ones() -> None:
    there = replace(JOERG, name="محمد", lines=("Nile 1",), city="Cairo", country="EG")

    (text,) = pages(DocumentKind.LABEL, replace(PAPERS, request=replace(REQUEST, ship_to=there)))

    assert "mhmd" in text
    assert "EGYPT" in text


def test_a_very_long_address_gets_smaller_and_loses_nothing() -> None:
    lines = tuple(f"Building {n} of the very long industrial estate called Sunrise" for n in range(9))

    (text,) = pages(
        DocumentKind.LABEL, replace(PAPERS, request=replace(REQUEST, ship_to=replace(JOERG, lines=lines)))
    )

    assert all(f"Building {n}" in text for n in range(9))


def test_an_address_that_no_label_holds_is_refused_instead_of_cut() -> None:
    endless = replace(REQUEST, ship_to=replace(JOERG, lines=("x" * 5_000,)))

    with pytest.raises(Unprintable):
        PRINTER.print(DocumentKind.LABEL, replace(PAPERS, request=endless))


def test_little_value_gets_the_small_form_and_without_a_rate_the_large_one() -> None:
    (small,) = pages(DocumentKind.CUSTOMS_DECLARATION, PAPERS)
    (large,) = pages(DocumentKind.CUSTOMS_DECLARATION, PAPERS, CN23)

    assert "CN 22" in small
    assert "CN 23" in large
    for text in (small, large):
        for part in ("Porcelain mug, glazed", "691110", "25.00 EUR", "0.640", "0.800", "2026-11-22"):
            assert part in text
        assert "[X] Sale of goods" in text


def test_the_invoice_says_what_customs_asks_and_keeps_the_ioss_number_to_itself() -> None:
    (text,) = pages(DocumentKind.COMMERCIAL_INVOICE, PAPERS)

    for part in ("#1042", "RR123456785CN", "DAP Bad Homburg", "EORI: DE1234567", "12.50 EUR", "25.00 EUR"):
        assert part in text
    assert "IM276" not in text


def test_markup_in_a_text_is_text() -> None:
    sly = replace(MUG, description="<b>mug</b> & <img src='file:///etc/passwd'/>")

    (text,) = pages(
        DocumentKind.COMMERCIAL_INVOICE, replace(PAPERS, request=replace(REQUEST, customs=(sly,)))
    )

    assert "<b>mug</b> &" in text


@pytest.mark.parametrize(
    ("kind", "printer", "head"),
    [
        (DocumentKind.CUSTOMS_DECLARATION, CN23, "HS tariff number"),
        (DocumentKind.COMMERCIAL_INVOICE, PRINTER, "HS code"),
    ],
)
def test_many_lines_go_on_on_further_pages_under_the_same_heads(
    kind: DocumentKind, printer: PaperPrinter, head: str
) -> None:
    items = tuple(replace(MUG, sku=f"mug-{n}", description=f"Mug of kind {n:03}") for n in range(120))

    found = pages(kind, replace(PAPERS, request=replace(REQUEST, customs=items)), printer)

    assert len(found) > 2
    assert all(head in text for text in found[:-1])
    assert sorted(set(re.findall(r"kind (\d{3})", " ".join(found)))) == [f"{n:03}" for n in range(120)]
    assert "3000.00 EUR" in found[-1]


@pytest.mark.parametrize("kind", list(DocumentKind))
def test_the_same_parcel_gives_the_same_bytes(kind: DocumentKind) -> None:
    first = PRINTER.print(kind, PAPERS)
    PRINTER.print(kind, replace(PAPERS, tracking_number="LX000000005CN"))

    assert PRINTER.print(kind, PAPERS) == first
    assert media_type_of(first.content) == first.media_type


def test_a_small_form_without_room_gives_way_to_the_large_one() -> None:
    wordy = replace(MUG, description="Porcelain mug with handle, glazed, for hot drinks, white " * 6)

    found = pages(
        DocumentKind.CUSTOMS_DECLARATION, replace(PAPERS, request=replace(REQUEST, customs=(wordy,) * 4))
    )

    assert "CN 23" in found[0]


# -- ZPL

ZPL = PaperPrinter({}, "zpl")
BERLIN = Address("Jörg ^XZ Beispiel", ("Straße_1 ~JA",), "Berlin", "DE", postal_code="10115")
LATIN = replace(PAPERS, request=replace(REQUEST, ship_from=BERLIN, ship_to=BERLIN))


def test_a_label_printer_gets_its_own_language() -> None:
    printed = ZPL.print(DocumentKind.LABEL, LATIN)

    text = printed.content.decode()
    assert (printed.media_type, media_type_of(printed.content)) == ("application/zpl", "application/zpl")
    assert text.startswith("^XA^CI28^PW812^LL1218")
    assert "^BY3^BCN,200,N,N,N,A^FH_^FDRR123456785CN^FS" in text
    assert "10115 Berlin" in text


def test_an_address_holds_no_commands_for_the_printer() -> None:
    text = ZPL.print(DocumentKind.LABEL, LATIN).content.decode()

    assert (text.count("^XA"), text.count("^XZ"), text.count("~")) == (1, 1, 0)
    assert "Jörg _5EXZ Beispiel" in text
    assert "Straße_5F1 _7EJA" in text


def test_letters_that_a_label_printer_lacks_make_it_a_pdf() -> None:
    assert ZPL.print(DocumentKind.LABEL, PAPERS).media_type == "application/pdf"


def test_what_does_not_fit_in_zpl_is_refused_instead_of_cut() -> None:
    endless = replace(LATIN.request, ship_to=replace(BERLIN, lines=("x" * 5_000,)))

    with pytest.raises(Unprintable):
        ZPL.print(DocumentKind.LABEL, replace(LATIN, request=endless))
    with pytest.raises(Unprintable):
        ZPL.print(DocumentKind.LABEL, replace(LATIN, tracking_number="X" * 60))
