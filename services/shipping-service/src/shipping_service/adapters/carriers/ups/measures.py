"""Grams and millimetres as UPS takes them: texts of at most five and three characters, rounded up."""

from decimal import ROUND_CEILING, Decimal
from typing import Final

from shipping_service.adapters.carriers.ups import wire
from shipping_service.domain.consignment import Box
from shipping_service.use_cases.ports import CarrierRejected

TENTH: Final = Decimal("0.1")
GRAMS: Final = {"KGS": Decimal(1000), "LBS": Decimal("453.59237")}
MILLIMETRES: Final = {"CM": Decimal(10), "IN": Decimal("25.4")}
UNITS: Final = {"metric": ("KGS", "CM"), "imperial": ("LBS", "IN")}
LONGEST_WEIGHT, LONGEST_LENGTH = 5, 3


def to_weight(weight_g: int, units: str) -> wire.Weight:
    """To the next tenth. Raises CarrierRejected for what no parcel weighs."""
    unit, _ = UNITS[units]
    weight = f"{(weight_g / GRAMS[unit]).quantize(TENTH, ROUND_CEILING):f}"
    if len(weight) > LONGEST_WEIGHT:
        raise CarrierRejected("too_heavy", "box.weight_g")
    return wire.Weight(UnitOfMeasurement=wire.Code(Code=unit), Weight=weight)


def to_size(box: Box, units: str) -> wire.Size | None:
    """Whole or not at all, to the next whole unit: a parcel measured larger is charged again later. UPS
    wants the longest side as the length. Raises CarrierRejected.
    """
    if box.length_mm is None or box.width_mm is None or box.height_mm is None:
        return None
    _, unit = UNITS[units]
    sides = sorted((box.length_mm, box.width_mm, box.height_mm), reverse=True)
    length, width, height = (
        f"{(side / MILLIMETRES[unit]).quantize(Decimal(1), ROUND_CEILING):f}" for side in sides
    )
    if len(length) > LONGEST_LENGTH:
        raise CarrierRejected("too_large", "box.length_mm")
    return wire.Size(UnitOfMeasurement=wire.Code(Code=unit), Length=length, Width=width, Height=height)
