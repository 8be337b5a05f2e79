"""From a request to a shipment with rates, to a bought label, to a refund."""

import time
from dataclasses import dataclass
from decimal import Decimal

from crossdock_sandbox import clock
from crossdock_sandbox.easypost.errors import UNPROCESSABLE, Refused, field_error, not_found
from crossdock_sandbox.easypost.numbers import tracking_number
from crossdock_sandbox.easypost.rates import ACCOUNTS, Quote, quotes
from crossdock_sandbox.easypost.rules import check_shipment, crosses_border, missing_phone
from crossdock_sandbox.easypost.store import Json, Store, new_id
from crossdock_sandbox.easypost.tracking import new_tracker
from crossdock_sandbox.easypost.wire import Address, BuyShipment, CreateShipment, Shipment
from crossdock_sandbox.labels import MEDIA_TYPES, Label

LABEL_FEE = "0.02000"
REFUSED_ZIP = "00000"
REFUSE_AT_RATE, REFUSE_AT_BUY, REFUSE_REFUND = "REFUSE AT RATE", "REFUSE AT BUY", "REFUSE REFUND"
SCANNED = frozenset(
    {"in_transit", "out_for_delivery", "delivered", "available_for_pickup", "return_to_sender"}
)


@dataclass(frozen=True, slots=True)
class Desk:
    """The operations on shipments. Each runs inside the caller's transaction."""

    store: Store
    refund_delay_s: float

    def create(self, given: CreateShipment) -> Json:
        """Keep the shipment and price it. A carrier's refusal is an empty list of rates with a message."""
        request = given.shipment
        unknown = set(request.carrier_accounts) - ACCOUNTS
        if unknown:
            field = "shipment.carrier_accounts"
            message = f"unknown carrier account {sorted(unknown)[0]}"
            raise field_error("SHIPMENT.RATE.CARRIER_ACCOUNT_INVALID", field, message)
        check_shipment(request)
        shipment = _unbought(request)
        if _refused_at_rate(request.to_address):
            shipment["messages"] = [_rate_message("the destination address is not served")]
        else:
            shipment["rates"] = [_rate(quote, shipment["id"]) for quote in quotes(request)]
            if not shipment["rates"]:
                shipment["messages"] = [_rate_message("no service for this weight and lane")]
        self.store.add_shipment(shipment, request.model_dump(exclude_none=True))
        return shipment

    def buy(self, shipment: Json, given: BuyShipment, base_url: str) -> Json:
        """Buy the label at one of the shipment's own rates; a shipment is bought once, for good."""
        if shipment["postage_label"] is not None:
            raise Refused(
                UNPROCESSABLE, "SHIPMENT.POSTAGE.EXISTS", "Postage already exists for this shipment."
            )
        rate = next((one for one in shipment["rates"] if one["id"] == given.rate.id), None)
        if rate is None:
            raise field_error("SHIPMENT.MISSING_RATE", "rate.id", "no such rate in this shipment")
        request = Shipment.model_validate(self.store.request_of(shipment["id"]))
        _check_carrier_takes_it(request)
        code = tracking_number(
            rate["carrier"],
            request.from_address.country,
            request.to_address.country,
            self.store.serial_of(shipment["id"]),
        )
        tracker = new_tracker(shipment["id"], code, rate["carrier"], base_url)
        self.store.save_tracker(tracker)
        bought: Json = shipment | {
            "tracking_code": code,
            "selected_rate": rate,
            "tracker": tracker,
            "postage_label": _postage_label(request, base_url),
            "fees": [_fee("LabelFee", LABEL_FEE), _fee("PostageFee", f"{Decimal(rate['rate']):.5f}")],
            "insurance": None if given.insurance is None else f"{given.insurance:.2f}",
            "updated_at": clock.rfc3339(clock.now()),
        }
        self.store.save_shipment(bought)
        return bought

    def refund(self, shipment: Json) -> Json:
        """Ask for the money back. Asked again it stays as it is, but a rejected refund is tried anew."""
        if shipment["postage_label"] is None:
            raise Refused(
                UNPROCESSABLE, "SHIPMENT.POSTAGE.REQUIRED", "The shipment has no postage to refund."
            )
        tracker = self.store.tracker(shipment["tracking_code"])
        if tracker and tracker["status"] in SCANNED:
            message = "Unable to request refund. The parcel has been shipped."
            raise Refused(UNPROCESSABLE, "SHIPMENT.REFUND.UNAVAILABLE", message)
        if shipment["refund_status"] in {"submitted", "refunded"}:
            return shipment
        asked = shipment | {"refund_status": "submitted", "updated_at": clock.rfc3339(clock.now())}
        self.store.save_shipment(asked, refund_due=time.time() + self.refund_delay_s)
        return asked

    def settle_refund(self, shipment: Json, status: str | None = None) -> Json:
        """Decide a submitted refund: as told, or rejected where the address says so, else paid back."""
        street = self.store.request_of(shipment["id"])["to_address"]["street1"].upper()
        decided = status or ("rejected" if REFUSE_REFUND in street else "refunded")
        fees = [fee | {"refunded": decided == "refunded"} for fee in shipment["fees"]]
        settled: Json = shipment | {"refund_status": decided, "fees": fees}
        self.store.save_shipment(settled)
        return settled

    def convert_label(self, shipment: Json, file_format: str) -> Json:
        """Offer the label in a second format, as `GET /label?file_format=` does."""
        label = shipment["postage_label"]
        if label is None:
            raise Refused(UNPROCESSABLE, "SHIPMENT.POSTAGE.REQUIRED", "The shipment has no postage label.")
        suffix = file_format.lower()
        if suffix not in {"pdf", "zpl"}:
            message = "PDF and ZPL are available."
            raise field_error("SHIPMENT.POSTAGE.INVALID_FORMAT", "file_format", message)
        url = label["label_url"].rsplit(".", 1)[0] + f".{suffix}"
        converted: Json = shipment | {"postage_label": label | {f"label_{suffix}_url": url}}
        self.store.save_shipment(converted)
        return converted

    def label(self, label_id: str, file_format: str) -> bytes:
        """The bytes of a label. Raises Refused when there is none."""
        shipment = self.store.shipment_of_label(label_id)
        if shipment is None:
            raise not_found()
        rate = shipment["selected_rate"]
        return Label(
            carrier=rate["carrier"],
            service=rate["service"],
            tracking_code=shipment["tracking_code"],
            from_lines=_lines(shipment["from_address"]),
            to_lines=_lines(shipment["to_address"]),
            weight=f"{shipment['parcel']['weight']:.1f} oz",
        ).draw(file_format)


def _refused_at_rate(address: Address) -> bool:
    return address.zip == REFUSED_ZIP or REFUSE_AT_RATE in address.street1.upper()


def _check_carrier_takes_it(request: Shipment) -> None:
    address = missing_phone(request)
    if address is not None:
        message = (
            "Unable to complete shipment purchase: a phone number is needed when a customs form is used."
        )
        errors = [{"field": f"{address}.phone", "message": "required"}]
        raise Refused(UNPROCESSABLE, "SHIPMENT.POSTAGE.FAILURE", message, errors)
    if REFUSE_AT_BUY in request.to_address.street1.upper():
        message = "Unable to complete shipment purchase: the carrier does not deliver to this address."
        errors = [{"field": "to_address.street1", "message": "not deliverable"}]
        raise Refused(UNPROCESSABLE, "SHIPMENT.POSTAGE.FAILURE", message, errors)


def _unbought(request: Shipment) -> Json:
    now = clock.rfc3339(clock.now())
    to_address = _address(request.to_address)
    from_address = _address(request.from_address)
    return {
        "id": new_id("shp"),
        "object": "Shipment",
        "mode": "test",
        "reference": request.reference,
        "created_at": now,
        "updated_at": now,
        "status": "unknown",
        "is_return": request.is_return,
        "tracking_code": None,
        "to_address": to_address,
        "from_address": from_address,
        "return_address": _address(request.return_address) if request.return_address else from_address,
        "buyer_address": _address(request.buyer_address) if request.buyer_address else to_address,
        "parcel": {"id": new_id("prcl"), "object": "Parcel", "mode": "test", **request.parcel.model_dump()},
        "customs_info": _customs(request),
        "options": request.options.model_dump(exclude_none=True),
        "tax_identifiers": [one.model_dump() for one in request.tax_identifiers],
        "rates": [],
        "messages": [],
        "selected_rate": None,
        "postage_label": None,
        "tracker": None,
        "forms": [],
        "fees": [],
        "insurance": None,
        "refund_status": None,
        "scan_form": None,
        "batch_id": None,
        "order_id": None,
        "usps_zone": None,
    }


def _address(address: Address) -> Json:
    return {"id": new_id("adr"), "object": "Address", "mode": "test", **address.model_dump()}


def _customs(request: Shipment) -> Json | None:
    info = request.customs_info
    if info is None:
        return None
    items = [
        {
            "id": new_id("cstitem"),
            "object": "CustomsItem",
            **item.model_dump(),
            "value": f"{item.value:.2f}",
        }
        for item in info.customs_items
    ]
    shown = info.model_dump(exclude={"customs_items"})
    return {"id": new_id("cstinfo"), "object": "CustomsInfo", **shown, "customs_items": items}


def _rate(quote: Quote, shipment_id: str) -> Json:
    return {
        "id": new_id("rate"),
        "object": "Rate",
        "mode": "test",
        "service": quote.service.name,
        "carrier": quote.service.carrier,
        "rate": str(quote.rate),
        "currency": "USD",
        "retail_rate": str(quote.retail_rate),
        "retail_currency": "USD",
        "list_rate": str(quote.list_rate),
        "list_currency": "USD",
        "delivery_days": quote.service.days,
        "delivery_date": None,
        "delivery_date_guaranteed": False,
        "est_delivery_days": quote.service.days,
        "shipment_id": shipment_id,
        "carrier_account_id": quote.service.account_id,
        "billing_type": "easypost",
    }


def _rate_message(message: str) -> Json:
    return {"carrier": "USPS", "carrier_account_id": "ca_usps", "type": "rate_error", "message": message}


def _postage_label(request: Shipment, base_url: str) -> Json:
    label_id = new_id("pl")
    suffix = request.options.label_format.lower()
    url = f"{base_url}/files/postage_label/{label_id}.{suffix}"
    return {
        "id": label_id,
        "object": "PostageLabel",
        "date_advance": request.options.date_advance or 0,
        "integrated_form": "cn22" if crosses_border(request) else "none",
        "label_date": clock.rfc3339(clock.now()),
        "label_resolution": 203 if suffix == "zpl" else 300,
        "label_size": "4x6",
        "label_type": "default",
        "label_file_type": MEDIA_TYPES[suffix],
        "label_url": url,
        "label_pdf_url": url if suffix == "pdf" else None,
        "label_zpl_url": url if suffix == "zpl" else None,
        "label_epl2_url": None,
    }


def _fee(kind: str, amount: str) -> Json:
    return {"object": "Fee", "type": kind, "amount": amount, "charged": True, "refunded": False}


def _lines(address: Json) -> list[str]:
    place = " ".join(address[part] for part in ("city", "state", "zip") if address[part])
    lines = [address["name"], address["company"], address["street1"], address["street2"], place]
    return [*(line for line in lines if line), address["country"]]
