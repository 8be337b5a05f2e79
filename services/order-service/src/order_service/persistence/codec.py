"""Orders as rows: what is searched for has a column, the rest is JSON of the domain's own classes."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from order_service.domain.fold import progress
from order_service.domain.lines import Line
from order_service.domain.order import Content, Identity, Order, People, Terms
from order_service.domain.order_table import OrderStatus
from order_service.domain.process import Process

_content = TypeAdapter(Content)
_people = TypeAdapter(People)
_terms = TypeAdapter(Terms)
_lines = TypeAdapter(tuple[Line, ...])
_process = TypeAdapter(Process)

#: Reads what `from_row` needs.
SELECT = """
    select order_id, merchant_id, account, platform, shop_ref, external_id, order_number, placed_at, status,
    version,
           label_revision, content::text as content, people::text as people, terms::text as terms,
           lines::text as lines, process::text as process, platform_updated_at, fingerprint,
           ship_to_fingerprint
    from orders
"""


@dataclass(frozen=True, slots=True)
class Columns:
    """A part of an order's row: plain values, and documents that are JSON already."""

    plain: Mapping[str, Any]
    documents: Mapping[str, bytes]


def changing_columns(order: Order) -> Columns:
    """What changes over an order's life."""
    process = order.process
    return Columns(
        {
            "order_id": str(order.identity.order_id),
            "status": order.status.value,
            "version": order.version,
            "label_revision": order.label_revision,
            "hold_reasons": sorted(reason.value for reason in process.holds),
            "progress": progress(order.status, order.version, order.label_revision, order.lines, process),
            "skus": sorted(
                {name for line in order.lines for name in (line.sku, line.external_sku, line.kit_sku) if name}
            ),
            "waiting_skus": sorted(process.waiting_skus),
            "platform_updated_at": order.platform_updated_at.isoformat(),
            "fingerprint": order.fingerprint,
            "ship_to_fingerprint": order.ship_to_fingerprint,
        },
        {
            "content": _content.dump_json(order.content),
            "people": _people.dump_json(order.people),
            "lines": _lines.dump_json(order.lines),
            "process": _process.dump_json(process),
        },
    )


def new_columns(order: Order) -> Columns:
    """The whole row of an order that is stored for the first time."""
    changing, identity = changing_columns(order), order.identity
    return Columns(
        {
            **changing.plain,
            "merchant_id": identity.merchant_id,
            "account": identity.account,
            "platform": identity.platform,
            "shop_ref": identity.shop_ref,
            "external_id": identity.external_id,
            "order_number": identity.order_number,
            "placed_at": identity.placed_at.isoformat(),
        },
        {**changing.documents, "terms": _terms.dump_json(order.terms)},
    )


def as_rows(rows: Iterable[Columns]) -> str:
    """One JSON document for `jsonb_to_recordset`."""
    return "[" + ",".join(map(_as_object, rows)) + "]"


def _as_object(row: Columns) -> str:
    documents = (f', "{name}": {document.decode()}' for name, document in row.documents.items())
    return json.dumps(row.plain)[:-1] + "".join(documents) + "}"


def from_row(row: RowMapping) -> Order:
    """An order as it lies in `orders`. One whose personal data was erased has none left."""
    return Order(
        identity=Identity(
            order_id=row["order_id"],
            merchant_id=row["merchant_id"],
            account=row["account"],
            platform=row["platform"],
            shop_ref=row["shop_ref"],
            external_id=row["external_id"],
            order_number=row["order_number"],
            placed_at=row["placed_at"],
        ),
        content=_content.validate_json(row["content"]),
        people=_people.validate_json(row["people"] or '{"consignee": null, "buyer": {}}'),
        terms=_terms.validate_json(row["terms"]),
        lines=_lines.validate_json(row["lines"]),
        process=_process.validate_json(row["process"]),
        platform_updated_at=row["platform_updated_at"],
        fingerprint=row["fingerprint"],
        ship_to_fingerprint=row["ship_to_fingerprint"],
        status=OrderStatus(row["status"]),
        version=row["version"],
        label_revision=row["label_revision"],
    )
