"""Orders as rows: what is searched for has a column, the rest is JSON of the domain's own classes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

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


@dataclass(slots=True, kw_only=True)
class Row:
    """An order's columns in `orders`."""

    order_id: UUID
    merchant_id: str
    account: str
    platform: str
    shop_ref: str
    external_id: str
    order_number: str
    placed_at: datetime
    status: str
    version: int
    label_revision: int
    hold_reasons: list[str]
    progress: tuple[str, ...]
    skus: list[str]
    waiting_skus: list[str]
    content: Content | None
    people: People | None
    terms: Terms
    lines: tuple[Line, ...]
    process: Process
    platform_updated_at: datetime
    fingerprint: str
    ship_to_fingerprint: str


_rows = TypeAdapter(list[Row])
NOTHING: Mapping[UUID, tuple[Content, People]] = {}


def as_rows(orders: Iterable[Order], *, as_read: Mapping[UUID, tuple[Content, People]] = NOTHING) -> str:
    """One JSON document for `jsonb_to_recordset`, which takes the columns it names.

    Content and people that are still those of `as_read` are null: they are the largest part of a row, and
    nearly always stay as they are.
    """
    return _rows.dump_json([_row(one, as_read.get(one.identity.order_id)) for one in orders]).decode()


def _row(order: Order, as_read: tuple[Content, People] | None) -> Row:
    identity, process = order.identity, order.process
    content, people = as_read or (None, None)
    return Row(
        order_id=identity.order_id,
        merchant_id=identity.merchant_id,
        account=identity.account,
        platform=identity.platform,
        shop_ref=identity.shop_ref,
        external_id=identity.external_id,
        order_number=identity.order_number,
        placed_at=identity.placed_at,
        status=order.status.value,
        version=order.version,
        label_revision=order.label_revision,
        hold_reasons=sorted(reason.value for reason in process.holds),
        progress=progress(order.status, order.version, order.label_revision, order.lines, process),
        skus=sorted(
            {name for line in order.lines for name in (line.sku, line.external_sku, line.kit_sku) if name}
        ),
        waiting_skus=sorted(process.waiting_skus),
        content=None if order.content is content else order.content,
        people=None if order.people is people else order.people,
        terms=order.terms,
        lines=order.lines,
        process=process,
        platform_updated_at=order.platform_updated_at,
        fingerprint=order.fingerprint,
        ship_to_fingerprint=order.ship_to_fingerprint,
    )


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
