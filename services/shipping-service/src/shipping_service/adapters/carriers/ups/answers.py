"""UPS's words to ours, as pure functions."""

import base64
import binascii
from collections.abc import Sequence
from typing import Final

from shipping_service.adapters.carriers.ups import codes, wire
from shipping_service.domain.consignment import BoughtLabel, Document, DocumentKind, media_type_of
from shipping_service.domain.money import to_minor
from shipping_service.domain.refusal import Remedy
from shipping_service.use_cases.ports import CarrierRejected

#: Where a buyer sees the parcel; by public integrations, UPS's API documents name none.
TRACKING_URL: Final = "https://www.ups.com/track?tracknum="


class UnreadableAnswer(Exception):
    """What came back is not what UPS documents. Argument: what is wrong, nothing personal."""


def to_bought_label(created: wire.ShipmentCreated, service: str) -> BoughtLabel:
    """Raises UnreadableAnswer for a document that is not what it claims to be, or no label at all."""
    sold = created.ShipmentResponse.ShipmentResults
    if len(sold.PackageResults) != 1:
        raise UnreadableAnswer("not one package")
    package = sold.PackageResults[0]
    if package.ShippingLabel is None:
        raise UnreadableAnswer("no label")
    label = _document(
        DocumentKind.LABEL, package.ShippingLabel.ImageFormat, package.ShippingLabel.GraphicImage
    )
    number = sold.ShipmentIdentificationNumber
    return _bought(number, package.TrackingNumber, service, (label, *_invoice(sold.Form)), _charge(sold))


def to_recovered_label(recovered: wire.LabelRecovered, service: str) -> BoughtLabel:
    """What it costs is not told any more. Raises UnreadableAnswer."""
    answer = recovered.LabelRecoveryResponse
    if len(answer.LabelResults) != 1:
        raise UnreadableAnswer("not one label")
    (found,) = answer.LabelResults
    number = found.TrackingNumber or answer.ShipmentIdentificationNumber
    if not number or found.LabelImage is None:
        raise UnreadableAnswer("no label")
    label = _document(DocumentKind.LABEL, found.LabelImage.LabelImageFormat, found.LabelImage.GraphicImage)
    shipment = answer.ShipmentIdentificationNumber or number
    return _bought(shipment, number, service, (label, *_invoice(answer.Form)), None)


def _bought(
    shipment: str, number: str, service: str, documents: tuple[Document, ...], charge: wire.Amount | None
) -> BoughtLabel:
    minor, exponent = (None, None) if charge is None else to_minor(charge.MonetaryValue, charge.CurrencyCode)
    return BoughtLabel(
        carrier_ref=shipment,
        carrier="ups",
        service=service,
        tracking_number=number,
        tracking_url=f"{TRACKING_URL}{number}",
        cost_minor=minor,
        cost_currency=None if charge is None else charge.CurrencyCode,
        cost_exponent=exponent,
        documents=documents,
    )


def _charge(sold: wire.Sold) -> wire.Amount | None:
    """What we pay: our own rate where the account has one, else the published price."""
    if sold.NegotiatedRateCharges is not None and sold.NegotiatedRateCharges.TotalCharge is not None:
        return sold.NegotiatedRateCharges.TotalCharge
    return None if sold.ShipmentCharges is None else sold.ShipmentCharges.TotalCharges


def _invoice(form: wire.FormMade | None) -> tuple[Document, ...]:
    """The only form that is asked for."""
    if form is None:
        return ()
    image = form.Image
    return (_document(DocumentKind.COMMERCIAL_INVOICE, image.ImageFormat, image.GraphicImage),)


def _document(kind: DocumentKind, claimed: wire.CodeHeard, encoded: str) -> Document:
    try:
        content = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableAnswer(f"the {kind} is no base64") from error
    media_type = media_type_of(content)
    if media_type is None or media_type != codes.MEDIA_TYPES.get(claimed.Code.upper()):
        raise UnreadableAnswer(f"the {kind} is not what it claims to be")
    return Document(kind, media_type, content)


def to_refusal(errors: Sequence[wire.Problem]) -> CarrierRejected:
    """Their first number, our name of the field as far as a number or a text tells it, and their words."""
    first, words = errors[0], " | ".join(one.message for one in errors)
    known = codes.REFUSALS.get(first.code)
    field = known.field if known else to_field(first.message)
    remedy: Remedy | None = known.remedy if known else None
    return CarrierRejected(first.code, field, remedy=remedy, words=words)


def to_field(message: str) -> str | None:
    """`Missing or invalid ship to attention name` is `ship_to.name`; None: nothing of ours."""
    found = codes.PARTY_IN_TEXT.match(message.strip())
    if found is None:
        return None
    party = codes.PARTIES[found[1].replace(" ", "").lower()]
    return f"{party}.{codes.PARTS[found[2].lower()]}"
