"""What a carrier's refusal carries, and what it keeps to itself."""

import pytest

from shipping_service.domain.refusal import Remedy
from shipping_service.use_cases.ports import LONGEST_WORDS, CarrierRejected


@pytest.mark.parametrize(
    ("field", "remedy"),
    [
        ("ship_to.phone", Remedy.FIX_ADDRESS),
        ("ship_from", Remedy.FIX_ADDRESS),
        ("customs.0.hs_code", Remedy.FIX_CUSTOMS),
        ("tax_ids.0.value", Remedy.FIX_CUSTOMS),
        ("incoterm", Remedy.FIX_CUSTOMS),
        ("service", Remedy.CHOOSE_ANOTHER_SERVICE),
        ("box.weight_g", Remedy.UNTRANSLATED),
        ("", Remedy.UNTRANSLATED),
        (None, Remedy.UNTRANSLATED),
    ],
)
def test_a_code_that_no_table_translates_is_told_by_its_field_and_else_not_guessed(
    field: str | None, remedy: Remedy
) -> None:
    assert CarrierRejected("4711", field).remedy is remedy


def test_the_table_of_the_carrier_goes_before_the_field() -> None:
    refused = CarrierRejected("8003", "ship_to", remedy=Remedy.CHOOSE_ANOTHER_SERVICE)

    assert refused.remedy is Remedy.CHOOSE_ANOTHER_SERVICE


def test_their_words_are_in_no_text_of_the_exception() -> None:
    refused = CarrierRejected("4711", words="Hauptstraße 1 is closed")

    assert refused.words == "Hauptstraße 1 is closed"
    assert "Hauptstra" not in f"{refused} {refused!r} {refused.args}"


def test_their_words_are_bounded_and_can_be_stored_and_shown_on_one_line() -> None:
    refused = CarrierRejected("4711", words="closed\x00\x1b[31m\r\n  today " + "x" * 10_000)

    assert refused.words is not None
    assert refused.words.startswith("closed [31m today xxx")
    assert len(refused.words) == LONGEST_WORDS
    assert CarrierRejected("4711", words=" \x00 ").words is None
