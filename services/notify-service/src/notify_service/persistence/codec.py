"""Rows to the domain's values and back."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from notify_service.domain.goods import Line
from notify_service.domain.messages import Delay, Facts, Message, MessageState, Template
from notify_service.domain.order import Amount, Buyer, KnownOrder, Parcel

ORDER_COLUMNS = (
    "order_id, merchant_id, version, state, ever_open, holds, account, order_number, placed_at, total, "
    "lines, buyer_name, email, locale, may_write, personal_until"
)
PARCEL_COLUMNS = (
    "parcel_id, merchant_id, order_id, carrier, service, tracking_number, tracking_url, contents, "
    "shipped_at, delivered_at"
)
MESSAGE_COLUMNS = (
    "message_id, merchant_id, order_id, template, subject, channel, revision, state, code, locale, facts, "
    "attempts, waiting_since"
)


def order_of(row: Mapping[Any, Any]) -> KnownOrder:
    total = row["total"]
    return KnownOrder(
        order_id=row["order_id"],
        merchant_id=row["merchant_id"],
        version=row["version"],
        state=row["state"],
        ever_open=row["ever_open"],
        holds=frozenset(row["holds"]),
        account=row["account"] or "",
        order_number=row["order_number"] or "",
        placed_at=row["placed_at"],
        total=None if total is None else Amount(total["amount_minor"], total["currency"], total["exponent"]),
        lines=tuple(map(_line, row["lines"])),
        buyer=Buyer(row["buyer_name"], row["email"], row["locale"], row["may_write"]),
        personal_until=row["personal_until"],
    )


def lines_json(lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [
        {
            "line_id": str(one.line_id),
            "title": one.title,
            "units": one.units,
            "ordered": one.ordered,
            "kit": one.kit,
            "units_per_kit": one.units_per_kit,
        }
        for one in lines
    ]


def _line(stored: Mapping[str, Any]) -> Line:
    return Line(
        UUID(stored["line_id"]),
        stored["title"],
        stored["units"],
        stored["ordered"],
        stored["kit"],
        stored["units_per_kit"],
    )


def total_json(total: Amount | None) -> dict[str, Any] | None:
    if total is None:
        return None
    return {"amount_minor": total.amount_minor, "currency": total.currency, "exponent": total.exponent}


def parcel_of(row: Mapping[Any, Any]) -> Parcel:
    return Parcel(
        parcel_id=row["parcel_id"],
        merchant_id=row["merchant_id"],
        order_id=row["order_id"],
        carrier=row["carrier"],
        service=row["service"],
        tracking_number=row["tracking_number"],
        tracking_url=row["tracking_url"],
        contents={UUID(line_id): units for line_id, units in row["contents"].items()},
        shipped_at=row["shipped_at"],
        delivered_at=row["delivered_at"],
    )


def contents_json(contents: Mapping[UUID, int]) -> dict[str, int]:
    return {str(line_id): units for line_id, units in contents.items()}


def message_of(row: Mapping[Any, Any]) -> Message:
    return Message(
        message_id=row["message_id"],
        merchant_id=row["merchant_id"],
        order_id=row["order_id"],
        template=Template(row["template"]),
        subject=row["subject"],
        channel=row["channel"],
        revision=row["revision"],
        state=MessageState(row["state"]),
        code=row["code"],
        locale=row["locale"],
        facts=facts_of(row["facts"]),
        attempts=row["attempts"],
        waiting_since=row["waiting_since"],
    )


def facts_json(facts: Facts) -> dict[str, Any]:
    return {
        "parcel_id": None if facts.parcel_id is None else str(facts.parcel_id),
        "partial": facts.partial,
        "delay": None if facts.delay is None else facts.delay.value,
    }


def facts_of(stored: Mapping[str, Any]) -> Facts:
    parcel_id, delay = stored["parcel_id"], stored["delay"]
    return Facts(
        parcel_id=None if parcel_id is None else UUID(parcel_id),
        partial=stored["partial"],
        delay=None if delay is None else Delay(delay),
    )
