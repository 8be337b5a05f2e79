"""Which service a shipment gets: the merchant's rules, in their order."""

from uuid import UUID

from fastapi import APIRouter, Response

from crossdock_chassis.http import Idempotent, Problem
from shipping_service.api.dependencies import Database, Reader, Writer
from shipping_service.api.rule_models import RuleGiven, RuleShown, RuleTrial, RuleTrialResult
from shipping_service.use_cases.shipping_rules import facts_of, put_rule, try_rules

router = APIRouter(prefix="/v1/shipping-rules", tags=["rules"])


@router.get("")
async def get_rules(principal: Reader, database: Database) -> list[RuleShown]:
    """All of them, in the order they are tried."""
    async with database.transaction() as tx:
        return [RuleShown.of(one) for one in await tx.rules.of(principal.merchant_id)]


@router.post("", status_code=201, response_model=RuleShown)
async def post_rule(body: RuleGiven, principal: Writer, database: Database, call: Idempotent) -> Response:
    """Add a rule. It counts for labels that are not asked for yet."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        rule = body.to_rule(tx.new_id(), principal.merchant_id)
        await put_rule(rule, tx=tx)
        location = f"/v1/shipping-rules/{rule.rule_id}"
        return await call.answer(tx, 201, RuleShown.of(rule), location=location)


@router.post("/dry-run")
async def post_dry_run(body: RuleTrial, principal: Reader, database: Database) -> RuleTrialResult:
    """Which rule would match, and why the ones before it would not. Changes nothing."""
    async with database.transaction() as tx:
        facts = body.to_facts()
        if body.shipment_id is not None:
            found = await facts_of(principal.merchant_id, body.shipment_id, tx=tx)
            if found is None:
                raise Problem(409, "facts-missing", "The shipment's weight or order is not known yet")
            facts = found
        return RuleTrialResult.of(await try_rules(principal.merchant_id, facts, tx=tx))


@router.get("/{rule_id}")
async def get_rule(rule_id: UUID, principal: Reader, database: Database) -> RuleShown:
    """One rule."""
    async with database.transaction() as tx:
        return RuleShown.of(await tx.rules.get(principal.merchant_id, rule_id))


@router.put("/{rule_id}", response_model=RuleShown)
async def put_one_rule(
    rule_id: UUID, body: RuleGiven, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Replace a rule whole. Labels that are asked for already keep their service."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        await tx.rules.get(principal.merchant_id, rule_id)
        rule = body.to_rule(rule_id, principal.merchant_id)
        await put_rule(rule, tx=tx)
        return await call.answer(tx, 200, RuleShown.of(rule))


@router.delete("/{rule_id}", status_code=204)
async def delete_rule(rule_id: UUID, principal: Writer, database: Database, call: Idempotent) -> Response:
    """Take a rule away. Labels that are asked for already keep their service."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        await tx.rules.remove(principal.merchant_id, rule_id)
        return await call.answer(tx, 204)
