"""From a request to a shipment that is sold, with its label and its invoice."""

import base64
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.dhl_express.invoices import invoice_pdf
from crossdock_sandbox.dhl_express.rules import PRODUCTS, check
from crossdock_sandbox.dhl_express.store import Numbers, Store
from crossdock_sandbox.dhl_express.wire import CreateShipment, Package, Party
from crossdock_sandbox.labels import Label

CM3_PER_VOLUMETRIC_KG = 5000  # DHL, "Volumetric weight"


@dataclass(frozen=True, slots=True)
class Desk:
    """Sells shipments. Each call runs inside the caller's transaction."""

    store: Store
    accounts: tuple[str, ...]

    def create(self, shipment: CreateShipment, message_reference: str | None) -> dict[str, Any]:
        """Sell it, each time anew: a message reference only traces, it does not recognise a repeated call.

        Raises Refused.
        """
        check(shipment, self.accounts, clock.now())
        price = _price(shipment)
        numbers = self.store.add(shipment, reference_of(shipment), message_reference, price)
        tracking = f"/mydhlapi/shipments/{numbers.waybill}/tracking"
        answer: dict[str, Any] = {
            "url": "/mydhlapi/shipments",
            "shipmentTrackingNumber": numbers.waybill,
            "trackingUrl": tracking,
            "packages": [
                {
                    "referenceNumber": 1,
                    "trackingNumber": numbers.piece,
                    "trackingUrl": f"{tracking}?pieceTrackingNumber={numbers.piece}",
                    "volumetricWeight": float(_volumetric(shipment.content.packages[0])),
                }
            ],
            "documents": _documents(shipment, numbers),
            "warnings": [],
        }
        if shipment.getRateEstimates:
            answer["shipmentCharges"] = [
                {"currencyType": kind, "priceCurrency": currency, "price": float(Decimal(price) * factor)}
                for kind, currency, factor in (
                    ("BASEC", "USD", Decimal("1.25")),
                    ("BILLC", "EUR", Decimal(1)),
                )
            ]
        return answer


def reference_of(shipment: CreateShipment) -> str | None:
    return next((one.value for one in shipment.customerReferences if one.typeCode == "CU"), None)


def _documents(shipment: CreateShipment, numbers: Numbers) -> list[dict[str, str]]:
    parties = shipment.customerDetails
    wanted = shipment.outputImageProperties
    label = Label(
        carrier="DHL EXPRESS",
        service=f"{shipment.productCode} {PRODUCTS[shipment.productCode].name}",
        tracking_code=numbers.waybill,
        from_lines=_lines(parties.shipperDetails),
        to_lines=_lines(parties.receiverDetails),
        weight=f"{sum(one.weight for one in shipment.content.packages):.3f} kg",
    )
    documents = [_document("label", wanted.encodingFormat, label.draw(wanted.encodingFormat))]
    declaration = shipment.content.exportDeclaration
    asked = any(one.typeCode == "invoice" and one.isRequested for one in wanted.imageOptions)
    if asked and declaration is not None:
        # An invoice is a PDF whatever was asked for.
        documents.append(_document("invoice", "pdf", invoice_pdf(shipment, declaration, numbers.waybill)))
    return documents


def _document(kind: str, image_format: str, content: bytes) -> dict[str, str]:
    encoded = base64.b64encode(content).decode()
    return {"imageFormat": image_format.upper(), "content": encoded, "typeCode": kind}


def _lines(party: Party) -> list[str]:
    contact, address = party.contactInformation, party.postalAddress
    place = " ".join(one for one in (address.postalCode, address.cityName, address.provinceCode) if one)
    names = dict.fromkeys((contact.companyName, contact.fullName))
    lines = [*names, address.addressLine1, address.addressLine2, address.addressLine3, place]
    return [*(line for line in lines if line), address.countryCode]


def _price(shipment: CreateShipment) -> str:
    product = PRODUCTS[shipment.productCode]
    charged = sum((max(one.weight, _volumetric(one)) for one in shipment.content.packages), Decimal(0))
    price = Decimal(product.base) + Decimal(product.per_kg) * charged
    return str(price.quantize(Decimal("0.01"), ROUND_HALF_UP))


def _volumetric(package: Package) -> Decimal:
    size = package.dimensions
    if size is None:
        return Decimal(0)
    return (size.length * size.width * size.height / CM3_PER_VOLUMETRIC_KG).quantize(Decimal("0.001"))
