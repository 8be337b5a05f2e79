"""What the original only finds out at the carrier or at customs: checked here as soon as it can be seen."""

from crossdock_sandbox.countries import POSTAL_CODE_NEEDED, needs_declaration
from crossdock_sandbox.easypost.errors import UNPROCESSABLE, Refused, field_error
from crossdock_sandbox.easypost.wire import Address, CustomsInfo, Parcel, Shipment
from crossdock_sandbox.parcels import is_plausible

GRAMS_PER_OUNCE = 28.349523125
CM3_PER_INCH3 = 16.387064
EEI_LIMIT_USD = 2500  # above it an export from the US needs an ITN, no exemption code

STATE_NEEDED = frozenset({"US", "CA", "AU"})


def crosses_border(shipment: Shipment) -> bool:
    return needs_declaration(shipment.from_address.country, shipment.to_address.country)


def check_shipment(shipment: Shipment) -> None:
    """Raises Refused with the field that is missing or cannot be right."""
    _check_address(shipment.from_address, "shipment.from_address")
    _check_address(shipment.to_address, "shipment.to_address")
    _check_parcel(shipment.parcel)
    if not crosses_border(shipment):
        return
    if shipment.customs_info is None:
        message = "Customs info is required for an international shipment."
        raise field_error("SHIPMENT.CUSTOMS_INFO.REQUIRED", "shipment.customs_info", message)
    _check_customs(shipment.customs_info, shipment)


def missing_phone(shipment: Shipment) -> str | None:
    """The address of a customs shipment that has no phone number: found out only at the purchase."""
    for name, address in (("to_address", shipment.to_address), ("from_address", shipment.from_address)):
        if crosses_border(shipment) and not (address.phone or "").strip():
            return name
    return None


def _check_address(address: Address, field: str) -> None:
    if not (address.name or "").strip() and not (address.company or "").strip():
        raise field_error("ADDRESS.PARAMETERS.INVALID", f"{field}.name", "name or company is required")
    if address.country in POSTAL_CODE_NEEDED and not (address.zip or "").strip():
        raise field_error("ADDRESS.PARAMETERS.INVALID", f"{field}.zip", "required")
    if address.country in STATE_NEEDED and not (address.state or "").strip():
        raise field_error("ADDRESS.PARAMETERS.INVALID", f"{field}.state", "required")


def _check_parcel(parcel: Parcel) -> None:
    if parcel.length is None or parcel.width is None or parcel.height is None:
        if parcel.length or parcel.width or parcel.height:
            message = "length, width and height come together or not at all"
            raise field_error("PARCEL.PARAMETERS.INVALID", "shipment.parcel", message)
        return  # only the weight is required
    volume_cm3 = parcel.length * parcel.width * parcel.height * CM3_PER_INCH3
    weight_g = parcel.weight * GRAMS_PER_OUNCE
    if not is_plausible(weight_g, volume_cm3):
        density = weight_g / volume_cm3
        message = f"{density:.4f} g/cm3 is no parcel: is the weight in ounces and are the sides in inches?"
        raise field_error("PARCEL.PARAMETERS.INVALID", "shipment.parcel.weight", message)


def _check_customs(info: CustomsInfo, shipment: Shipment) -> None:
    items = info.customs_items
    if not info.customs_certify or not (info.customs_signer or "").strip():
        field = "shipment.customs_info.customs_signer"
        raise field_error("CUSTOMS_INFO.PARAMETERS.INVALID", field, "a certified form needs a signer")
    if info.contents_type == "other" and not (info.contents_explanation or "").strip():
        field = "shipment.customs_info.contents_explanation"
        raise field_error("SHIPMENT.CUSTOMS_INFO.DESCRIPTION_REQUIRED", field, "required for type other")
    if len({item.currency for item in items}) > 1:
        message = "All customs items need the same currency."
        raise Refused(UNPROCESSABLE, "CUSTOMS_ITEM.CURRENCY.ONE_CURRENCY_SUPPORTED", message)
    for number, item in enumerate(items):
        digits = item.hs_tariff_number.replace(".", "")
        if not 6 <= len(digits) <= 10:
            field = f"shipment.customs_info.customs_items.{number}.hs_tariff_number"
            raise field_error("CUSTOMS_ITEM.PARAMETERS.INVALID", field, "6 to 10 digits")
    # The lines' weights are net and each may have been rounded to a tenth of an ounce.
    weight = sum(item.weight for item in items)
    if weight > shipment.parcel.weight + 0.1 * len(items):
        message = (
            f"the customs items weigh {weight:.1f} oz, the whole parcel only {shipment.parcel.weight:.1f} oz"
        )
        raise field_error("CUSTOMS_INFO.PARAMETERS.INVALID", "shipment.customs_info.customs_items", message)
    if shipment.from_address.country == "US":
        _check_export_from_us(info)


def _check_export_from_us(info: CustomsInfo) -> None:
    field = "shipment.customs_info.eel_pfc"
    if not (info.eel_pfc or "").strip():
        raise field_error("CUSTOMS_INFO.PARAMETERS.INVALID", field, "required for exports from the US")
    dear = any(item.value > EEI_LIMIT_USD for item in info.customs_items)
    if dear and "30.37(a)" in (info.eel_pfc or ""):
        message = "NOEEI 30.37(a) does not cover a line above 2500 USD"
        raise field_error("CUSTOMS_INFO.PARAMETERS.INVALID", field, message)
