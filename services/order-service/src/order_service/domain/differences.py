"""What is different about an order that was read once more. Personal data is only said to have changed."""

from dataclasses import dataclass

from order_service.domain.canonical import fields_of
from order_service.domain.order import Order


@dataclass(frozen=True, slots=True)
class Difference:
    """`before` None: it was not there. Personal data has neither."""

    what: str
    before: str | None
    after: str | None


def differences(before: Order | None, after: Order) -> list[Difference]:
    """By field, in a fixed order; lines by the platform's own ids."""
    known = {} if before is None else _facts(before)
    found = _facts(after)
    changed = [
        Difference(what, known.get(what), found.get(what))
        for what in {**found, **known}
        if known.get(what) != found.get(what)
    ]
    if before is not None and before.people != after.people:
        people = zip(fields_of(before.people).items(), fields_of(after.people).values(), strict=True)
        changed += [Difference(name, None, None) for (name, was), now in people if was != now]
    return changed


def _facts(order: Order) -> dict[str, str]:
    content, totals = order.content, order.content.totals
    facts: dict[str, object] = {
        "status": order.status.value,
        "holds": ", ".join(sorted(order.process.holds)),
        "payment": content.payment.value,
        "currency": content.currency,
        "shipping_method": content.shipping_method,
        "flags": ", ".join(sorted(content.flags)),
        **{f"totals.{name}": value for name, value in fields_of(totals).items()},
    }
    for line in order.lines:
        wanted = line.units_ordered - line.units_cancelled
        facts[f"line {line.external_line_ids[0]} {line.external_sku or '(no SKU)'}"] = (
            f"{wanted} x {line.sku or '(unknown)'}, {line.total_minor} in minor units"
        )
    return {name: str(value) for name, value in facts.items() if value not in (None, "")}
