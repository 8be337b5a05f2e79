"""UPS's words to ours."""

import base64
import json
from typing import Any

import pytest

from shipping_service.adapters.carriers.ups import answers, wire
from shipping_service.adapters.carriers.ups.tests.examples import SAMPLES
from shipping_service.domain.consignment import BoughtLabel, DocumentKind
from shipping_service.domain.refusal import Remedy

NUMBER = "1ZCD0001DE04000018"


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def a_shipment(**results: Any) -> bytes:
    answer = json.loads((SAMPLES / "created.json").read_bytes())
    answer["ShipmentResponse"]["ShipmentResults"] |= results
    return json.dumps(answer).encode()


def bought(content: bytes) -> BoughtLabel:
    return answers.to_bought_label(wire.ShipmentCreated.model_validate_json(content), "65")


def a_package(content: bytes, image_format: str) -> dict[str, Any]:
    image = {"ImageFormat": {"Code": image_format}, "GraphicImage": encoded(content)}
    return {"TrackingNumber": NUMBER, "ShippingLabel": image}


def test_a_sold_shipment_has_its_number_label_invoice_and_price_as_text_said_them() -> None:
    label = bought(a_shipment())

    assert (label.carrier_ref, label.tracking_number) == (NUMBER, NUMBER)
    assert (label.cost_minor, label.cost_currency, label.cost_exponent) == (98040, "CNY", 2)
    assert [(one.kind, one.media_type) for one in label.documents] == [
        (DocumentKind.LABEL, "application/zpl"),
        (DocumentKind.COMMERCIAL_INVOICE, "application/pdf"),
    ]
    assert label.documents[0].content.startswith(b"^XA")


def test_the_price_that_was_agreed_on_stands_before_the_published_one() -> None:
    ours = {"TotalCharge": {"CurrencyCode": "CNY", "MonetaryValue": "431.75"}}

    assert bought(a_shipment(NegotiatedRateCharges=ours)).cost_minor == 43175


def test_a_gif_is_a_gif() -> None:
    label = bought(a_shipment(PackageResults=[a_package(b"GIF89a....", "GIF")]))

    assert label.documents[0].media_type == "image/gif"


@pytest.mark.parametrize(
    "results",
    [
        {"PackageResults": []},
        {"PackageResults": [a_package(b"^XA^XZ", "ZPL")] * 2},
        {"PackageResults": [{"TrackingNumber": NUMBER}]},
        {"PackageResults": [a_package(b"GIF89a....", "PDF")]},
        {"PackageResults": [a_package(b"<html>", "GIF")]},
        {
            "PackageResults": [
                {
                    "TrackingNumber": NUMBER,
                    "ShippingLabel": {"ImageFormat": {"Code": "ZPL"}, "GraphicImage": "~"},
                }
            ]
        },
        {"Form": {"Image": {"ImageFormat": {"Code": "PDF"}, "GraphicImage": encoded(b"GIF89a")}}},
    ],
)
def test_a_document_that_is_not_what_it_claims_to_be_is_none(results: dict[str, Any]) -> None:
    with pytest.raises(answers.UnreadableAnswer):
        bought(a_shipment(**results))


def test_a_label_that_is_got_again_has_no_price() -> None:
    image = {"LabelImageFormat": {"Code": "ZPL"}, "GraphicImage": encoded(b"^XA^XZ")}
    answer = {
        "ShipmentIdentificationNumber": NUMBER,
        "LabelResults": [{"TrackingNumber": NUMBER, "LabelImage": image}],
    }

    label = answers.to_recovered_label(
        wire.LabelRecovered.model_validate({"LabelRecoveryResponse": answer}), "65"
    )

    assert (label.tracking_number, label.cost_minor) == (NUMBER, None)
    assert [one.media_type for one in label.documents] == ["application/zpl"]


@pytest.mark.parametrize(
    "answer",
    [
        {"LabelResults": [], "TrackingCandidate": [{"TrackingNumber": NUMBER}] * 2},
        {"LabelResults": [{"TrackingNumber": NUMBER}]},
        {"LabelResults": [{"LabelImage": {"LabelImageFormat": {"Code": "ZPL"}, "GraphicImage": ""}}]},
    ],
)
def test_several_labels_or_none_are_not_the_one(answer: dict[str, Any]) -> None:
    recovered = wire.LabelRecovered.model_validate({"LabelRecoveryResponse": answer})

    with pytest.raises(answers.UnreadableAnswer):
        answers.to_recovered_label(recovered, "65")


# -- refusals


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("Missing or invalid ship to attention name", "ship_to.name"),
        ("Missing or invalid ShipTo phone number", "ship_to.phone"),
        ("Invalid shipper postal code", "ship_from.postal_code"),
        ("Missing or invalid ship from address line 1", "ship_from.lines"),
        ("Missing or invalid ship to state province code", "ship_to.province"),
        ("The ship to city 1 Main St is odd", None),
        ("", None),
    ],
)
def test_a_text_names_the_field_where_it_begins_with_it(message: str, field: str | None) -> None:
    assert answers.to_field(message) == field


def test_a_refusal_keeps_their_number_and_their_words_apart() -> None:
    problems = wire.ErrorAnswer.model_validate_json((SAMPLES / "error.json").read_bytes())

    refused = answers.to_refusal(problems.response.errors)

    assert (refused.code, refused.field, refused.remedy) == ("120500", "ship_to.name", Remedy.FIX_ADDRESS)
    assert refused.words == "Missing or invalid ship to attention name"
    assert "attention" not in str(refused)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [("111210", Remedy.CHOOSE_ANOTHER_SERVICE), ("999999", Remedy.UNTRANSLATED)],
)
def test_a_number_is_translated_only_where_it_is_known(code: str, remedy: Remedy) -> None:
    assert answers.to_refusal((wire.Problem(code=code, message="no"),)).remedy is remedy
