"""What a person changes so that a leg can go on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shipping_service.domain.consignment import Box
from shipping_service.domain.customs import SkuFacts
from shipping_service.domain.dispatch import Dispatch, Leg, Terms, react
from shipping_service.domain.errors import NotRepairable, UnusableRepair
from shipping_service.domain.labelling import advance
from shipping_service.domain.leg_table import LEG_TABLE, LegEvent, Reaction


@dataclass(frozen=True, slots=True)
class SkuRepair:
    """Facts of one unit; None leaves a fact as it is."""

    weight_g: int | None = None
    hs_code: str | None = None
    origin_country: str | None = None
    customs_description: str | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """All of it is optional: an empty one only tries again. `service` without `carrier` means the leg's."""

    carrier: str | None = None
    service: str | None = None
    box: Box | None = None
    skus: Mapping[str, SkuRepair] = field(default_factory=dict)


def repair(dispatch: Dispatch, leg: Leg, wanted: Repair, terms: Terms) -> None:
    """Change the leg and try again. Raises NotRepairable, UnusableRepair."""
    if LEG_TABLE[leg.state][LegEvent.REPAIRED].reaction is Reaction.EXCEPTION:
        raise NotRepairable(leg.shipment_id, str(leg.state))
    unknown = wanted.skus.keys() - {one.packed.sku for one in leg.going}
    if unknown:
        raise UnusableRepair(leg.shipment_id, "sku_not_in_shipment")
    _choose(leg, wanted, terms)
    leg.repaired_box = wanted.box or leg.repaired_box
    for item in leg.items:
        given = wanted.skus.get(item.packed.sku)
        if given is not None:
            item.packed = replace(item.packed, facts=_with(item.packed.facts, given))
    leg.plan_revision += 1
    react(dispatch, leg, LegEvent.REPAIRED)
    advance(dispatch, leg, terms)


def _choose(leg: Leg, wanted: Repair, terms: Terms) -> None:
    if wanted.carrier is None and wanted.service is None:
        return
    carrier = wanted.carrier or leg.carrier
    if wanted.service is None or carrier is None:
        raise UnusableRepair(leg.shipment_id, "service_and_carrier_belong_together")
    if carrier not in terms.carriers:
        raise UnusableRepair(leg.shipment_id, "carrier_not_connected")
    leg.repaired_carrier, leg.repaired_service = carrier, wanted.service


def _with(facts: SkuFacts, given: SkuRepair) -> SkuFacts:
    return replace(
        facts,
        weight_g=given.weight_g or facts.weight_g,
        hs_code=given.hs_code or facts.hs_code,
        origin_country=given.origin_country or facts.origin_country,
        customs_description=given.customs_description or facts.customs_description,
    )
