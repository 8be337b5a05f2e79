"""Orders and legs as rows, in JSON's types, and back."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from shipping_service.domain.consignment import Address, Box
from shipping_service.domain.customs import Packed, SkuFacts
from shipping_service.domain.dispatch import Dispatch, Item, ItemState, Leg, Origin
from shipping_service.domain.effects import Wish
from shipping_service.domain.label import Label, LabelState
from shipping_service.domain.leg_table import LegState
from shipping_service.domain.order import Line, OrderState, Snapshot
from shipping_service.domain.refusal import Remedy
from shipping_service.domain.rules import Conditions, Rule, Tried

Row = dict[str, Any]


def plain(value: Any) -> Any:
    """A value in JSON's types; decimals are text, so that none of their digits is lost."""
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, frozenset | set):
        return sorted(plain(one) for one in value)
    return value


def order_row(dispatch: Dispatch) -> Row:
    known = dispatch.snapshot
    row: Row = {
        "order_id": str(dispatch.order_id),
        "merchant_id": dispatch.merchant_id,
        "allocation_version": dispatch.allocation_version,
        "cancel_version": dispatch.cancel_version,
        "said_version": dispatch.said_version,
    }
    for field in fields(Snapshot):
        row[field.name] = None if known is None else getattr(known, field.name)
    if known is not None:
        row["lines"] = {str(id_): plain(asdict(line)) for id_, line in known.lines.items()}
        row["state"] = str(known.state)
    return row


def to_dispatch(row: Row) -> Dispatch:
    return Dispatch(
        order_id=UUID(row["order_id"]),
        merchant_id=row["merchant_id"],
        snapshot=None if row["version"] is None else _snapshot(row),
        allocation_version=row["allocation_version"],
        cancel_version=row["cancel_version"],
        said_version=row["said_version"],
    )


def _snapshot(row: Row) -> Snapshot:
    given = {field.name: row[field.name] for field in fields(Snapshot)}
    lines = {
        UUID(id_): Line(Decimal(one["unit_value"]), one["currency"], tuple(one["external_line_ids"]))
        for id_, one in row["lines"].items()
    }
    return Snapshot(**{**given, "state": OrderState(row["state"]), "lines": lines})


_LEG_PLAIN = (
    *("order_version", "label_revision", "plan_revision", "carrier", "service", "repaired_carrier"),
    *("repaired_service", "trouble_code", "trouble_field"),
)


def leg_row(leg: Leg, dispatch: Dispatch) -> Row:
    return {
        **{name: getattr(leg, name) for name in _LEG_PLAIN},
        "shipment_id": str(leg.shipment_id),
        "merchant_id": dispatch.merchant_id,
        "order_id": str(dispatch.order_id),
        "warehouse": leg.origin.warehouse,
        "origin": {
            "address": plain(asdict(leg.origin.address)),
            "hands_over_itself": leg.origin.hands_over_itself,
        },
        "state": str(leg.state),
        "wish": leg.wish and str(leg.wish),
        "rule_id": plain(leg.rule_id),
        "trouble_remedy": leg.trouble_remedy and str(leg.trouble_remedy),
        "tried": [plain(asdict(one)) for one in leg.tried],
        "planned_at": plain(leg.planned_at),
        "handed_over_at": plain(leg.handed_over_at),
    }


def parcel_row(leg: Leg, merchant_id: str) -> Row:
    return {
        "parcel_id": str(leg.parcel_id),
        "merchant_id": merchant_id,
        "shipment_id": str(leg.shipment_id),
        "number": leg.parcel_number,
        "box": None if leg.repaired_box is None else asdict(leg.repaired_box),
    }


def item_row(item: Item, leg: Leg, merchant_id: str) -> Row:
    return {
        "allocation_id": str(item.allocation_id),
        "merchant_id": merchant_id,
        "shipment_id": str(leg.shipment_id),
        "parcel_id": str(leg.parcel_id),
        "line_id": str(item.line_id),
        "sku": item.packed.sku,
        "units": item.packed.units,
        "facts": asdict(item.packed.facts),
        "unit_value": plain(item.packed.unit_value),
        "currency": item.packed.currency,
        "external_line_ids": list(item.external_line_ids),
        "state": str(item.state),
    }


def label_row(label: Label, leg: Leg, merchant_id: str) -> Row:
    given = {field.name: plain(getattr(label, field.name)) for field in fields(Label)}
    return {
        **given,
        "state": str(label.state),
        "remedy": label.remedy and str(label.remedy),
        "merchant_id": merchant_id,
        "shipment_id": str(leg.shipment_id),
    }


def to_leg(row: Row, parcels: list[Row], items: list[Row], labels: list[Row]) -> Leg:
    parcel = max(parcels, key=lambda one: one["number"])
    box = parcel["box"]
    address = row["origin"]["address"]
    return Leg(
        **{name: row[name] for name in _LEG_PLAIN},
        shipment_id=UUID(row["shipment_id"]),
        parcel_id=UUID(parcel["parcel_id"]),
        parcel_number=parcel["number"],
        repaired_box=None if box is None else Box(**box),
        origin=Origin(
            row["warehouse"],
            Address(**{**address, "lines": tuple(address["lines"])}),
            row["origin"]["hands_over_itself"],
        ),
        state=LegState(row["state"]),
        wish=None if row["wish"] is None else Wish(row["wish"]),
        rule_id=_uuid(row["rule_id"]),
        trouble_remedy=None if row["trouble_remedy"] is None else Remedy(row["trouble_remedy"]),
        tried=tuple(Tried(UUID(one["rule_id"]), one["name"], one["because"]) for one in row["tried"]),
        planned_at=datetime.fromisoformat(row["planned_at"]),
        handed_over_at=_time(row["handed_over_at"]),
        items=[_item(one) for one in sorted(items, key=lambda one: one["allocation_id"])],
        labels=[_label(one) for one in sorted(labels, key=lambda one: one["number"])],
    )


def _item(row: Row) -> Item:
    return Item(
        packed=Packed(
            allocation_id=UUID(row["allocation_id"]),
            sku=row["sku"],
            units=row["units"],
            facts=SkuFacts(**row["facts"]),
            unit_value=None if row["unit_value"] is None else Decimal(row["unit_value"]),
            currency=row["currency"],
        ),
        line_id=UUID(row["line_id"]),
        external_line_ids=tuple(row["external_line_ids"]),
        state=ItemState(row["state"]),
    )


def _label(row: Row) -> Label:
    given = {field.name: row[field.name] for field in fields(Label)}
    return Label(
        **{
            **given,
            "label_id": UUID(row["label_id"]),
            "parcel_id": UUID(row["parcel_id"]),
            "document_id": _uuid(row["document_id"]),
            "state": LabelState(row["state"]),
            "remedy": None if row["remedy"] is None else Remedy(row["remedy"]),
            "put_off_at": _time(row["put_off_at"]),
            "asked_at": datetime.fromisoformat(row["asked_at"]),
            "bought_at": _time(row["bought_at"]),
            "booked_at": _time(row["booked_at"]),
            "lost_at": _time(row["lost_at"]),
            "voided_at": _time(row["voided_at"]),
        }
    )


def rule_row(rule: Rule) -> Row:
    return {
        "rule_id": str(rule.rule_id),
        "merchant_id": rule.merchant_id,
        "priority": rule.priority,
        "name": rule.name,
        "conditions": plain(asdict(rule.conditions)),
        "carrier": rule.carrier,
        "service": rule.service,
        "active": rule.active,
    }


def to_rule(row: Row) -> Rule:
    asked = row["conditions"]
    conditions = {
        **asked,
        **{name: frozenset(asked[name]) for name in ("countries", "warehouses", "methods")},
        **{
            name: None if asked[name] is None else Decimal(asked[name]) for name in ("min_value", "max_value")
        },
    }
    return Rule(
        rule_id=UUID(row["rule_id"]),
        merchant_id=row["merchant_id"],
        priority=row["priority"],
        name=row["name"],
        conditions=Conditions(**conditions),
        carrier=row["carrier"],
        service=row["service"],
        active=row["active"],
    )


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
