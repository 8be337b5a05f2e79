"""Which papers a parcel needs, and the figures on them."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from shipping_service.domain.consignment import (
    Address,
    Box,
    ConsignmentRequest,
    CustomsItem,
    DocumentKind,
    TaxId,
)
from shipping_service.domain.papers import (
    Papers,
    amount_text,
    fits_cn22,
    is_s10,
    line_total,
    number_text,
    papers_to_print,
)

LABEL, INVOICE, DECLARATION = (
    DocumentKind.LABEL,
    DocumentKind.COMMERCIAL_INVOICE,
    DocumentKind.CUSTOMS_DECLARATION,
)
MUG = CustomsItem("mug", "Porcelain mug", 2, Decimal("12.5000"), "EUR", 320, "691110", "CN")
HOME = ConsignmentRequest(
    reference="1/1",
    service="Any",
    ship_from=Address("Lumo", ("Dock 1",), "Potsdam", "DE"),
    ship_to=Address("Ada", ("1 Main St",), "New York", "US"),
    box=Box(800),
)
ABROAD = replace(HOME, customs=(MUG,))
RATES = {"EUR": Decimal("1.2")}


def papers(**changes: object) -> Papers:
    return Papers(replace(ABROAD, **changes), "post", "RR123456785CN", date(2026, 11, 22))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("request_", "makes", "postal", "given", "wanted"),
    [
        (HOME, {LABEL}, True, {LABEL}, []),
        (HOME, set(), False, set(), [LABEL]),
        (ABROAD, {LABEL}, False, {LABEL}, [INVOICE]),
        (ABROAD, {LABEL}, True, {LABEL}, [DECLARATION, INVOICE]),
        (ABROAD, {LABEL}, True, {LABEL, DECLARATION}, [INVOICE]),
        (ABROAD, {LABEL, INVOICE}, False, {LABEL}, []),
        (ABROAD, set(), True, set(), [LABEL, DECLARATION, INVOICE]),
    ],
)
def test_we_print_what_is_needed_and_neither_made_nor_given(
    request_: ConsignmentRequest,
    makes: set[DocumentKind],
    postal: bool,
    given: set[DocumentKind],
    wanted: list[DocumentKind],
) -> None:
    assert papers_to_print(request_, makes=makes, postal=postal, given=given) == wanted


@pytest.mark.parametrize(
    ("value", "weight_g", "lines", "small"),
    [
        ("359.99", 2000, 1, True),
        ("360.00", 2000, 1, False),  # 300 SDR exactly
        ("359.99", 2001, 1, False),
        ("1", 500, 4, True),
        ("1", 500, 5, False),
    ],
)
def test_the_small_form_is_for_little_value_and_weight_and_few_lines(
    value: str, weight_g: int, lines: int, small: bool
) -> None:
    item = replace(MUG, units=1, unit_value=Decimal(value))

    assert fits_cn22(papers(customs=(item,) * lines, box=Box(weight_g)), RATES) is small


def test_without_a_rate_the_large_form_always_does() -> None:
    assert not fits_cn22(papers(), {})
    assert not fits_cn22(papers(customs=(MUG, replace(MUG, currency="CNY"))), RATES)


def test_sums_are_sums_of_rounded_lines_and_currencies_are_never_added_up() -> None:
    thirds = replace(MUG, units=1, unit_value=Decimal("0.3350"))

    shown = papers(customs=(thirds, thirds, replace(MUG, currency="JPY", unit_value=Decimal("100.4"))))

    assert line_total(thirds) == Decimal("0.34")
    assert shown.totals == [(Decimal("0.68"), "EUR"), (Decimal(201), "JPY")]


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("12.5000", "EUR", "12.50"),
        ("0.0833", "EUR", "0.0833"),
        ("1200", "JPY", "1200"),
        ("1.5", "KWD", "1.500"),
        ("1E+3", "EUR", "1000.00"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency_and_more_where_it_needs_them(
    amount: str, currency: str, text: str
) -> None:
    assert amount_text(Decimal(amount), currency) == text


def test_a_number_that_imports_at_its_holders_cost_is_on_no_paper() -> None:
    sender = TaxId("EORI", "DE123", of_sender=True)

    shown = papers(tax_ids=(TaxId("ioss", "IM2760001234", of_sender=True), sender, TaxId("CPF", "111")))

    assert list(shown.tax_ids(of_sender=True)) == [sender]
    assert [one.kind for one in shown.tax_ids(of_sender=False)] == ["CPF"]


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("RR473124829GB", True),
        ("RR123456785CN", True),
        ("LX000000005CN", True),  # the check digit was 11
        ("LX000000080CN", True),  # it was 10
        ("UA888888885CN", True),
        ("RR123456780CN", False),
        ("LX000000081CN", False),
        ("1Z999AA10123456784", False),
    ],
)
def test_a_postal_number_proves_itself_by_its_check_digit(number: str, valid: bool) -> None:
    assert is_s10(number) is valid
    assert (number_text(number) != number) is valid


def test_a_postal_number_is_read_in_groups() -> None:
    assert number_text("RR123456785CN") == "RR 123 456 785 CN"
