"""The tables as queries see them; the migrations make them."""

from sqlalchemy import ARRAY, Boolean, Column, DateTime, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

metadata = MetaData()


def _text(*names: str) -> list[Column[str]]:
    return [Column(name, Text) for name in names]


def _numbers(*names: str) -> list[Column[int]]:
    return [Column(name, Integer) for name in names]


warehouse = Table(
    "warehouse",
    metadata,
    *_text("merchant_id", "code", "name", "company", "city", "province", "postal_code", "country"),
    *_text("phone", "email", "time_zone", "cut_off", "hand_over"),
    Column("address_lines", ARRAY(Text)),
    Column("priority", Integer),
    Column("serves", ARRAY(Text)),
    Column("active", Boolean),
)

sku = Table(
    "sku",
    metadata,
    *_text("merchant_id", "sku", "title", "hs_code", "origin_country", "customs_description", "battery"),
    *_numbers("weight_g", "length_mm", "width_mm", "height_mm"),
    Column("active", Boolean),
)

catalogue_change = Table(
    "catalogue_change",
    metadata,
    Column("change_id", UUID),
    *_text("merchant_id", "kind", "code", "actor_kind", "actor_name", "reason"),
    Column("content", JSONB),
)

stock_level = Table(
    "stock_level",
    metadata,
    *_text("merchant_id", "sku", "warehouse", "lot", "condition"),
    *_numbers("on_hand", "reserved", "short"),
)

stock_movement = Table(
    "stock_movement",
    metadata,
    Column("movement_id", UUID),
    *_text("merchant_id", "sku", "warehouse", "lot", "condition", "kind", "reference"),
    Column("units", Integer),
    Column("allocation_id", UUID),
    *_text("actor_kind", "actor_name", "reason"),
    Column("cause_event_id", UUID),
    Column("at", DateTime(timezone=True)),
)

stock_order = Table(
    "stock_order",
    metadata,
    Column("order_id", UUID),
    *_text("merchant_id", "state", "policy", "country"),
    *_numbers(
        "seen_version", "answered_version", "cancel_version", "aggregate_version", "allocation_version"
    ),
    Column("placed_at", DateTime(timezone=True)),
    Column("ship_by", DateTime(timezone=True)),
    Column("reserve_until", DateTime(timezone=True)),
    Column("expired", Boolean),
)

order_line = Table(
    "order_line",
    metadata,
    Column("order_id", UUID),
    Column("line_id", UUID),
    *_text("merchant_id", "sku"),
    *_numbers("position", "units", "waiting"),
    Column("ship_by", DateTime(timezone=True)),
    Column("placed_at", DateTime(timezone=True)),
)

allocation = Table(
    "allocation",
    metadata,
    Column("allocation_id", UUID),
    Column("order_id", UUID),
    Column("line_id", UUID),
    *_text("merchant_id", "sku", "warehouse", "state"),
    *_numbers("units", "consumed"),
    Column("refused", Boolean),
    Column("created_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
)

stock_exception = Table(
    "stock_exception",
    metadata,
    Column("exception_id", UUID),
    *_text("merchant_id", "kind", "reference", "sku", "warehouse", "text", "next_step", "state"),
    Column("order_id", UUID),
    Column("opened_at", DateTime(timezone=True)),
    Column("resolved_at", DateTime(timezone=True)),
    *_text("resolved_by", "resolution"),
)
