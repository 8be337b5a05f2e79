"""From a request to a shipment that is sold with its label, got again by its reference, or taken back."""

import base64
import time
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Any

from crossdock_sandbox.labels import Label
from crossdock_sandbox.ups.errors import NO_LABEL, NOT_VOIDED, broken, refused
from crossdock_sandbox.ups.invoices import invoice_pdf
from crossdock_sandbox.ups.rules import GRAMS, MILLIMETRES, SERVICES, check
from crossdock_sandbox.ups.store import Shipment, Store
from crossdock_sandbox.ups.wire import Consignment, ConsignmentAsked, Head, LabelAsked, Parcel, Party

CM3_PER_VOLUMETRIC_KG = 5000
OUR_SHARE = Decimal("0.45")  # of the published price, by contract; made up


@dataclass(frozen=True, slots=True)
class Desk:
    """Works inside the caller's transaction. `found_after_s`: so long a shipment cannot be found by its
    reference.
    """

    store: Store
    accounts: tuple[str, ...]
    found_after_s: float

    def create(self, asked: ConsignmentAsked) -> dict[str, Any]:
        """Sell it, each time anew: a reference only names it. Raises Refused."""
        check(asked, self.accounts)
        shipment = asked.Shipment
        published = _price(shipment)
        ours = _money(published * OUR_SHARE)
        number = self.store.add(asked, reference_of(asked), ours, time.time() + self.found_after_s)
        published_text = _money(published)
        results: dict[str, Any] = {
            "ShipmentCharges": {
                "TransportationCharges": _amount(published_text),
                "ServiceOptionsCharges": _amount("0.00"),
                "TotalCharges": _amount(published_text),
            },
            "BillingWeight": {
                "UnitOfMeasurement": {"Code": "KGS", "Description": "Kilograms"},
                "Weight": f"{_billed_kg(shipment.Package[0]):.1f}",
            },
            "ShipmentIdentificationNumber": number,
            "PackageResults": [{"TrackingNumber": number, "ShippingLabel": _label(asked, number)}],
        }
        if shipment.ShipmentRatingOptions and shipment.ShipmentRatingOptions.NegotiatedRatesIndicator:
            results["NegotiatedRateCharges"] = {"TotalCharge": _amount(ours)}
        if shipment.forms is not None:
            results["Form"] = _form(asked, number)
        return {"ShipmentResponse": {"Response": _success(asked.Request), "ShipmentResults": results}}

    def recover(self, asked: LabelAsked) -> dict[str, Any]:
        """The label again, by number or by reference; of several shipments only their numbers."""
        found = self._found(asked)
        if not found:
            raise refused(NO_LABEL, "No label was found for this tracking number or reference")
        answer: dict[str, Any] = {"Response": _success(asked.Request)}
        if len(found) > 1:
            answer["LabelResults"] = []
            answer["TrackingCandidate"] = [{"TrackingNumber": one.tracking_number} for one in found]
            return {"LabelRecoveryResponse": answer}
        (shipment,) = found
        image = _label(
            shipment.asked, shipment.tracking_number, asked.LabelSpecification.LabelImageFormat.Code
        )
        answer["ShipmentIdentificationNumber"] = shipment.tracking_number
        answer["LabelResults"] = [
            {
                "TrackingNumber": shipment.tracking_number,
                "LabelImage": {
                    "LabelImageFormat": image["ImageFormat"],
                    "GraphicImage": image["GraphicImage"],
                },
            }
        ]
        if shipment.asked.Shipment.forms is not None:
            answer["Form"] = {"Image": _form(shipment.asked, shipment.tracking_number)["Image"]}
        return {"LabelRecoveryResponse": answer}

    def _found(self, asked: LabelAsked) -> list[Shipment]:
        if asked.TrackingNumber is not None:
            shipment = self.store.shipment(asked.TrackingNumber)
            return [shipment] if shipment is not None and not shipment.voided else []
        if asked.ReferenceValues is None:
            raise broken("A tracking number or a reference is needed")
        by = asked.ReferenceValues
        return self.store.by_reference(by.ReferenceNumber.Value, by.ShipperNumber)

    def void(self, number: str) -> dict[str, Any]:
        shipment = self.store.shipment(number)
        if shipment is None:
            raise refused(NOT_VOIDED, "The shipment identification number is not known")
        if shipment.voided:
            raise refused(NOT_VOIDED, "The shipment has already been voided")
        if self.store.events(number):
            raise refused(NOT_VOIDED, "The shipment is on its way and cannot be voided")
        self.store.void(number)
        voided = {"Code": "1", "Description": "Voided"}
        return {
            "VoidShipmentResponse": {
                "Response": {"ResponseStatus": {"Code": "1", "Description": "Success"}},
                "SummaryResult": {"Status": voided},
                "PackageLevelResults": [{"TrackingNumber": number, "Status": voided}],
            }
        }


def reference_of(asked: ConsignmentAsked) -> str | None:
    given = asked.Shipment.ReferenceNumber or asked.Shipment.Package[0].ReferenceNumber or []
    return next((one.Value for one in given), None)


def _success(head: Head) -> dict[str, Any]:
    """What was given as context comes back."""
    response: dict[str, Any] = {"ResponseStatus": {"Code": "1", "Description": "Success"}, "Alert": []}
    if head.TransactionReference is not None:
        response["TransactionReference"] = head.TransactionReference.model_dump()
    return response


def _label(asked: ConsignmentAsked, number: str, image_format: str | None = None) -> dict[str, Any]:
    shipment = asked.Shipment
    weight = shipment.Package[0].PackageWeight
    label = Label(
        carrier="UPS",
        service=f"{shipment.Service.Code} {SERVICES[shipment.Service.Code].name}",
        tracking_code=number,
        from_lines=_lines(shipment.ShipFrom or shipment.Shipper),
        to_lines=_lines(shipment.ShipTo),
        weight=f"{weight.Weight} {weight.UnitOfMeasurement.Code}",
    )
    code = image_format or asked.LabelSpecification.LabelImageFormat.Code
    return _image(code, label.draw(code.lower()))


def _form(asked: ConsignmentAsked, number: str) -> dict[str, Any]:
    forms = asked.Shipment.forms
    if forms is None:
        raise LookupError("no form was asked for")
    return {
        "Code": "01",
        "Description": "All Requested International Forms",
        "Image": _image("PDF", invoice_pdf(forms, number)),
    }


def _image(code: str, content: bytes) -> dict[str, Any]:
    return {
        "ImageFormat": {"Code": code, "Description": code},
        "GraphicImage": base64.b64encode(content).decode(),
    }


def _lines(party: Party) -> list[str]:
    address = party.Address
    place = " ".join(
        one for one in (address.PostalCode, address.City, address.StateProvinceCode) if one is not None
    )
    names = dict.fromkeys((party.Name, party.AttentionName or party.Name))
    return [*names, *address.AddressLine, place, address.CountryCode]


def _price(shipment: Consignment) -> Decimal:
    service = SERVICES[shipment.Service.Code]
    return Decimal(service.base) + Decimal(service.per_kg) * _billed_kg(shipment.Package[0])


def _billed_kg(parcel: Parcel) -> Decimal:
    """The heavier of weight and volume, to the next half."""
    weight = Decimal(parcel.PackageWeight.Weight) * GRAMS[parcel.PackageWeight.UnitOfMeasurement.Code] / 1000
    size, volume = parcel.Dimensions, Decimal(0)
    if size is not None:
        factor = MILLIMETRES[size.UnitOfMeasurement.Code] / 10
        volume = int(size.Length) * int(size.Width) * int(size.Height) * factor**3 / CM3_PER_VOLUMETRIC_KG
    return (max(weight, volume) * 2).to_integral_value(ROUND_CEILING) / 2


def _money(amount: Decimal) -> str:
    return str(amount.quantize(Decimal("0.01"), ROUND_HALF_UP))


def _amount(value: str) -> dict[str, str]:
    return {"CurrencyCode": "EUR", "MonetaryValue": value}
