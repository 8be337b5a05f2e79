"""Our words to YunExpress's and back, as pure functions: grams to kilograms, millimetres to centimetres."""

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_UP, Decimal
from typing import Final

from shipping_service.adapters.carriers.yunexpress import codes, wire
from shipping_service.adapters.carriers.yunexpress.settings import YunExpressSettings
from shipping_service.domain.consignment import (
    Address,
    BoughtLabel,
    Box,
    ConsignmentRequest,
    CustomsItem,
    Document,
    TaxId,
)
from shipping_service.domain.money import minor_unit, to_minor
from shipping_service.domain.refusal import Remedy
from shipping_service.use_cases.ports import CarrierRejected

THOUSANDTH: Final = Decimal("0.001")
LONGEST_CODE: Final = 50

_CODE = re.compile(r"[0-9A-Za-z_.-]{1,64}")
_IOSS = re.compile(r"[A-Za-z]{2}[0-9]{10}")
_FIELD = re.compile(r"\b(receiver|sender|packages|declaration_info)(?:\[(\d{1,3})\])?\.(\w{1,40})")
_WHOLE_FIELD = re.compile(r"\b(product_code|customs_number|declaration_info)\b")


# -- out


def to_order_number(reference: str) -> str:
    """Ours in letters, digits and dashes: what the account's orders are unique by."""
    return _within(reference.replace("/", "-"), "reference")


def to_kilograms(weight_g: int) -> float:
    """Exactly: three decimals are grams."""
    return float(weight_g * THOUSANDTH)


def to_centimetres(length_mm: int) -> int:
    """Rounded up: a parcel measured larger is charged again later."""
    return -(-length_mm // 10)


def to_create_order(request: ConsignmentRequest, settings: YunExpressSettings) -> wire.CreateOrder:
    """Raises CarrierRejected for what YunExpress would refuse, or take and customs then stop."""
    if not request.customs:
        raise CarrierRejected("no_border_is_crossed", "service")
    return wire.CreateOrder(
        product_code=_service(request.service),
        customer_order_number=to_order_number(request.reference),
        weight_unit="KG",
        size_unit="CM",
        packages=(_package(request.box, request.customs),),
        receiver=_party(request.ship_to, "ship_to"),
        sender=_party(request.ship_from, "ship_from"),
        declaration_info=tuple(_declared(item) for item in request.customs),
        customs_number=_customs_number(request.tax_ids, settings.customs_number_fields),
    )


def to_price_question(request: ConsignmentRequest, origin: str | None) -> dict[str, str]:
    """The query of a price trial: one parcel (type C), of what it weighs and measures when it is sent."""
    package = _package(request.box, request.customs)
    asked = {
        "country_code": request.ship_to.country,
        "weight": f"{package.weight:.3f}",
        "weight_unit": "KG",
        "package_type": "C",
        "pieces": "1",
        "postal_code": request.ship_to.postal_code,
        "origin": origin,
    }
    if package.length is not None:
        size = {"length": package.length, "width": package.width, "height": package.height}
        asked |= {name: str(side) for name, side in size.items()} | {"size_unit": "CM"}
    return {name: value for name, value in asked.items() if value}


def _service(service: str) -> str:
    if not _CODE.fullmatch(service) or len(service) > LONGEST_CODE:
        raise CarrierRejected("unknown_service", "service")
    return service


def _package(box: Box, customs: Sequence[CustomsItem]) -> wire.Package:
    """The size goes out whole or not at all. Lines of a gram at least must not outweigh their parcel."""
    goods_g = sum(item.unit_weight_g * item.units for item in customs)
    length, width, height = None, None, None
    if box.length_mm is not None and box.width_mm is not None and box.height_mm is not None:
        length, width, height = map(to_centimetres, (box.length_mm, box.width_mm, box.height_mm))
    return wire.Package(
        weight=to_kilograms(max(box.weight_g, goods_g)), length=length, width=width, height=height
    )


def _party(address: Address, field: str) -> wire.Party:
    name = address.name or address.company
    if not name:
        raise CarrierRejected("missing_name", f"{field}.name")
    lines = tuple(one.strip() for one in address.lines if one.strip())
    if not lines:
        raise CarrierRejected("missing_address", f"{field}.lines")
    return wire.Party(
        first_name=name,
        last_name="",
        company=address.company,
        country_code=address.country,
        province=address.province,
        city=address.city,
        address_lines=lines,
        postal_code=address.postal_code,
        phone_number=address.phone,
        email=address.email,
    )


def _declared(item: CustomsItem) -> wire.Declared:
    """The price of one unit is rounded up to the currency's smallest coin."""
    return wire.Declared(
        sku_code=item.sku,
        name_local=item.description,
        name_en=item.description,
        quantity=item.units,
        unit_price=float(item.unit_value.quantize(minor_unit(item.currency), ROUND_UP)),
        unit_weight=to_kilograms(item.unit_weight_g),
        hs_code=item.hs_code,
        currency=item.currency,
    )


def _customs_number(tax_ids: Sequence[TaxId], fields: Mapping[str, str]) -> str | dict[str, str] | None:
    """One number as text, or an object with a field for each kind; a number that cannot go out is refused,
    because a parcel without it is stopped at customs.
    """
    for place, one in enumerate(tax_ids):
        if one.kind.upper() == "IOSS" and not _IOSS.fullmatch(one.value):
            raise CarrierRejected("ioss_is_two_letters_and_ten_digits", f"tax_ids.{place}.value")
        if fields and one.kind.upper() not in fields:
            raise CarrierRejected("tax_number_of_unknown_kind", f"tax_ids.{place}.kind")
    if not tax_ids:
        return None
    if fields:
        return {fields[one.kind.upper()]: one.value for one in tax_ids}
    if len(tax_ids) > 1:
        raise CarrierRejected("one_tax_number_at_most", "tax_ids.1")
    return tax_ids[0].value


def _within(text: str, field: str) -> str:
    if len(text) > LONGEST_CODE:
        raise CarrierRejected("too_long", field)
    return text


# -- back


def awaits_number(order: wire.Order, service: str, not_awaited: frozenset[str]) -> bool:
    """Whether the last-mile number comes later. A look-up does not tell the kind of channel."""
    if order.tracking_number or service in not_awaited:
        return False
    return order.track_type not in (codes.NUMBER_GIVEN, codes.NO_NUMBER)


def to_price(fees: Sequence[wire.Fee], service: str) -> str | None:
    """`71.40 CNY`: the service's rows together; None where there is none, or several currencies."""
    ours = [one for one in fees if one.product_code == service]
    currencies = {codes.CURRENCIES.get(one.currency, one.currency) for one in ours}
    if len(currencies) != 1:
        return None
    return f"{sum((one.calculate_amount for one in ours), Decimal(0))} {currencies.pop()}"


def to_bought_label(
    order_number: str, waybill: str, service: str, price: str | None, label: Document
) -> BoughtLabel:
    """The waybill number is the parcel's number: it is there from the first scan to the last, and stays when
    the last mile's number changes. `price` is as `to_price` gives it.
    """
    amount, _, currency = (price or "").partition(" ")
    cost_minor, exponent = to_minor(Decimal(amount), currency) if price else (None, None)
    return BoughtLabel(
        carrier_ref=order_number,
        carrier="yunexpress",
        service=service,
        tracking_number=waybill,
        tracking_url=None,
        cost_minor=cost_minor,
        cost_currency=currency or None,
        cost_exponent=exponent,
        documents=(label,),
    )


def to_refusal(envelope: wire.Envelope, remedies: Mapping[str, Remedy]) -> CarrierRejected:
    """Their code and words, our name of a field they name as it was sent, and what is known to mend it."""
    code = envelope.code or ""
    code = code if _CODE.fullmatch(code) and code not in wire.OK_CODES else "refused"
    return CarrierRejected(
        code, to_field(envelope.msg or ""), remedy=remedies.get(code), words=envelope.msg or None
    )


def to_field(text: str) -> str | None:
    """`declaration_info[1].unit_price` is `customs.1.unit_value`; None when nothing of ours is named."""
    found = _FIELD.search(text)
    if found is not None:
        ours = codes.FIELDS.get(f"{found[1]}.{found[3]}")
        if ours is not None:
            return ours.replace("*", found[2] or "0")
    whole = _WHOLE_FIELD.search(text)
    return None if whole is None else codes.FIELDS[whole[1]]


def says_duplicate(refused: CarrierRejected) -> bool:
    words = (refused.words or "").casefold()
    return any(one in words for one in codes.DUPLICATE)
