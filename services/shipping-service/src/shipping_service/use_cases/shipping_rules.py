"""Rules are a person's: written whole, tried before they are trusted."""

from uuid import UUID

from shipping_service.domain import customs
from shipping_service.domain.errors import UnusableRule
from shipping_service.domain.labelling import rule_facts
from shipping_service.domain.rules import Choice, Facts, Rule, choose
from shipping_service.use_cases.ports import Transaction


async def put_rule(rule: Rule, *, tx: Transaction) -> None:
    """Add or change a rule. Raises UnusableRule when its carrier is not connected."""
    if rule.carrier not in tx.settings.carriers:
        raise UnusableRule("carrier_not_connected")
    await tx.rules.put(rule)


async def try_rules(merchant_id: str, facts: Facts, *, tx: Transaction) -> Choice:
    """Which rule would match, and why the ones before it would not."""
    return choose(await tx.rules.of(merchant_id), facts, tx.settings.carriers.keys())


async def facts_of(merchant_id: str, shipment_id: UUID, *, tx: Transaction) -> Facts | None:
    """What the rules see of a shipment; None while its weight or order is not known. Raises NotFound."""
    dispatch = await tx.dispatches.read(merchant_id, shipment_id)
    leg = dispatch.leg(shipment_id)
    box = customs.box_of(leg.packed, leg.repaired_box)
    if box is None or dispatch.snapshot is None:
        return None
    return rule_facts(leg, dispatch.snapshot, box)
