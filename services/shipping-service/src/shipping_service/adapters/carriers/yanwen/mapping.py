"""Our words to Yanwen's and back, as pure functions: millimetres to centimetres, money as text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Final

from shipping_service.adapters.carriers.yanwen import codes, wire
from shipping_service.adapters.carriers.yanwen.settings import YanwenSettings
from shipping_service.adapters.carriers.yanwen.tracking_codes import ORDER_STATES
from shipping_service.domain.consignment import (
    Address,
    BoughtLabel,
    Box,
    ConsignmentRequest,
    CustomsItem,
    Document,
    TaxId,
    VoidOutcome,
)
from shipping_service.domain.money import minor_unit
from shipping_service.domain.refusal import Remedy
from shipping_service.domain.tracking import UNKNOWN
from shipping_service.use_cases.ports import CarrierRejected

LONGEST_CODE: Final = 50

_CODE = re.compile(r"-?[0-9A-Za-z_.]{1,64}")
_IOSS = re.compile(r"[A-Za-z]{2}[0-9]{10}")


# -- out


def to_order_number(reference: str) -> str:
    """Ours in letters, digits and dashes: what an order is asked for by."""
    number = reference.replace("/", "-")
    if len(number) > LONGEST_CODE:
        raise CarrierRejected("too_long", "reference")
    return number


def to_centimetres(length_mm: int) -> int:
    """Rounded up: a parcel measured larger is charged again later."""
    return -(-length_mm // 10)


def to_create_order(request: ConsignmentRequest, settings: YanwenSettings) -> wire.CreateOrder:
    """Raises CarrierRejected for what Yanwen would refuse, or take and customs then stop."""
    if not request.customs:
        raise CarrierRejected("no_border_is_crossed", "service")
    numbers = _tax_numbers(request.tax_ids)
    return wire.CreateOrder(
        channelId=_channel(request.service),
        userId=settings.user_id,
        orderNumber=to_order_number(request.reference),
        orderSource=settings.order_source,
        receiverInfo=_party(request.ship_to, "ship_to", numbers.receiver),
        senderInfo=_party(request.ship_from, "ship_from", numbers.sender),
        parcelInfo=_parcel(request, numbers.ioss, request.service in settings.battery_channels),
        importCustomsInfo=None if numbers.eori is None else wire.ImportCustoms(eori=numbers.eori),
    )


def _channel(service: str) -> str:
    if not _CODE.fullmatch(service) or len(service) > LONGEST_CODE:
        raise CarrierRejected("unknown_service", "service")
    return service


def _party(address: Address, field: str, tax_number: str | None) -> wire.Party:
    name = address.name or address.company
    if not name:
        raise CarrierRejected("missing_name", f"{field}.name")
    lines = [one.strip() for one in address.lines if one.strip()]
    if not lines:
        raise CarrierRejected("missing_address", f"{field}.lines")
    return wire.Party(
        name=name,
        phone=address.phone,
        email=address.email,
        company=address.company,
        country=address.country,
        state=address.province,
        city=address.city,
        zipCode=address.postal_code,
        address=", ".join(lines),
        taxNumber=tax_number,
    )


def _parcel(request: ConsignmentRequest, ioss: str | None, battery: bool) -> wire.Parcel:
    """Lines of a gram at least must not outweigh their parcel."""
    customs = request.customs
    for place, item in enumerate(customs):
        if item.currency != customs[0].currency:
            raise CarrierRejected("one_currency_for_a_parcel", f"customs.{place}.currency")
    length, width, height = _size(request.box)
    return wire.Parcel(
        hasBattery=int(battery),
        currency=customs[0].currency,
        totalPrice=str(sum((_price(item) * item.units for item in customs), Decimal(0))),
        totalQuantity=sum(item.units for item in customs),
        totalWeight=max(request.box.weight_g, sum(item.unit_weight_g * item.units for item in customs)),
        length=length,
        width=width,
        height=height,
        ioss=ioss,
        productList=tuple(_product(item) for item in customs),
    )


def _size(box: Box) -> tuple[int, int, int] | tuple[None, None, None]:
    """Whole or not at all."""
    if box.length_mm is None or box.width_mm is None or box.height_mm is None:
        return None, None, None
    return to_centimetres(box.length_mm), to_centimetres(box.width_mm), to_centimetres(box.height_mm)


def _product(item: CustomsItem) -> wire.Product:
    price = str(_price(item))
    return wire.Product(
        goodsNameCh=item.description,
        goodsNameEn=item.description,
        price=price,
        priceExport=price,
        hscode=item.hs_code,
        quantity=str(item.units),
        weight=item.unit_weight_g,
    )


def _price(item: CustomsItem) -> Decimal:
    """Of one unit, rounded up to the currency's smallest coin."""
    return item.unit_value.quantize(minor_unit(item.currency), ROUND_UP)


@dataclass(frozen=True, slots=True)
class _TaxNumbers:
    ioss: str | None = None
    eori: str | None = None
    sender: str | None = None
    receiver: str | None = None


def _tax_numbers(tax_ids: Sequence[TaxId]) -> _TaxNumbers:
    """Each in its place, one a place. What cannot go out is refused: a parcel without it is stopped."""
    said: dict[str, str] = {}
    for place, one in enumerate(tax_ids):
        kind = one.kind.upper()
        if kind == "IOSS" and not _IOSS.fullmatch(one.value):
            raise CarrierRejected("ioss_is_two_letters_and_ten_digits", f"tax_ids.{place}.value")
        where = kind.lower() if kind in ("IOSS", "EORI") else "sender" if one.of_sender else "receiver"
        if where in said:
            raise CarrierRejected("one_tax_number_of_its_kind", f"tax_ids.{place}")
        if len(one.value) > (64 if where == "eori" else LONGEST_CODE):
            raise CarrierRejected("too_long", f"tax_ids.{place}.value")
        said[where] = one.value
    return _TaxNumbers(**said)


# -- back


def to_void_outcome(order: wire.Order) -> VoidOutcome:
    """What the order's state says of a cancel that was asked for."""
    meaning = ORDER_STATES.get(order.status or "", UNKNOWN)
    return codes.CANCELS.get(meaning.status, VoidOutcome.REJECTED)


def to_bought_label(order: wire.Order, service: str, label: Document) -> BoughtLabel:
    """The waybill number is the parcel's number, from the first scan to the last. What it costs is told by
    the bill alone.
    """
    return BoughtLabel(
        carrier_ref=order.orderNumber,
        carrier="yanwen",
        service=service,
        tracking_number=order.waybillNumber,
        tracking_url=None,
        cost_minor=None,
        cost_currency=None,
        cost_exponent=None,
        documents=(label,),
    )


def to_refusal(envelope: wire.Envelope, remedies: Mapping[str, Remedy]) -> CarrierRejected:
    """Their code and words, and what the account knows to mend it."""
    code = envelope.code or ""
    code = code if _CODE.fullmatch(code) else "refused"
    return CarrierRejected(code, remedy=remedies.get(code), words=envelope.message or None)


def says(text: str | None, words: Sequence[str]) -> bool:
    """Whether one of the words is in their text."""
    return any(one in (text or "").casefold() for one in words)
