"""The tables that every peer writes: what an application of this kind would have, and nothing more."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, func, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from crossdock_chassis.ids import new_id
from shipping_service.domain.consignment import BoughtLabel, DocumentKind

from ..accepted import Order
from ..outside import Label, label_of

CONNECTIONS = 16
UNITS = 1_000_000


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True), dict[str, Any]: JSONB}


class OrderRow(Base):
    __tablename__ = "orders"

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(unique=True)
    number: Mapped[str]
    content: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(default="open")
    accepted_at: Mapped[datetime] = mapped_column(server_default=func.now())
    lines: Mapped[list["OrderLine"]] = relationship()

    @classmethod
    def of(cls, order: Order) -> Self:
        lines = [OrderLine(line_id=new_id(), sku=line.sku, units=1) for line in order.lines]
        return cls(
            order_id=UUID(order.order_id),
            external_id=order.external_id,
            number=order.number,
            content=asdict(order),
            lines=lines,
        )


class OrderLine(Base):
    __tablename__ = "order_lines"

    line_id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.order_id"), index=True)
    sku: Mapped[str]
    units: Mapped[int]


class StockLevel(Base):
    __tablename__ = "stock_levels"

    sku: Mapped[str] = mapped_column(primary_key=True)
    on_hand: Mapped[int]
    reserved: Mapped[int] = mapped_column(default=0)


class Reservation(Base):
    __tablename__ = "reservations"

    reservation_id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    order_id: Mapped[UUID] = mapped_column(index=True)
    sku: Mapped[str]
    warehouse: Mapped[str]
    units: Mapped[int]


class Shipment(Base):
    __tablename__ = "shipments"

    shipment_id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    order_id: Mapped[UUID] = mapped_column(unique=True)
    warehouse: Mapped[str]
    service: Mapped[str]
    weight_g: Mapped[int]
    planned_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class Parcel(Base):
    __tablename__ = "parcels"

    parcel_id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    order_id: Mapped[UUID] = mapped_column(unique=True)
    carrier_ref: Mapped[str]
    tracking_number: Mapped[str]
    label: Mapped[bytes]
    shipped_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class Mail(Base):
    __tablename__ = "mails"

    mail_id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    order_id: Mapped[UUID] = mapped_column(index=True)
    template: Mapped[str]
    server_reply: Mapped[str]
    sent_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class WriteBack(Base):
    __tablename__ = "write_backs"

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    ref: Mapped[str]
    confirmed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class NotEnough(Exception):
    """A SKU has fewer units than were ordered."""


async def reserve(session: AsyncSession, order: Order) -> None:
    """Take a unit of each line's SKU, in the order of the SKUs, so that no two orders lock each other out.

    Raises NotEnough.
    """
    for line in order.lines:
        session.add(
            Reservation(order_id=UUID(order.order_id), sku=line.sku, warehouse=order.warehouse, units=1)
        )
    await session.flush()
    for sku in sorted(line.sku for line in order.lines):
        taken = await session.execute(
            update(StockLevel)
            .where(StockLevel.sku == sku, StockLevel.on_hand - StockLevel.reserved >= 1)
            .values(reserved=StockLevel.reserved + 1)
            .returning(StockLevel.sku)
            .execution_options(synchronize_session=False)
        )
        if taken.first() is None:
            raise NotEnough(sku)


def plan(session: AsyncSession, order: Order) -> None:
    """One shipment, from where everything lies."""
    session.add(
        Shipment(
            order_id=UUID(order.order_id),
            warehouse=order.warehouse,
            service=order.service,
            weight_g=order.weight_g,
        )
    )


def ship(session: AsyncSession, order: Order, bought: BoughtLabel) -> Label:
    """Keep the label: the parcel leaves."""
    label = label_of(bought)
    (file,) = [one.content for one in bought.documents if one.kind is DocumentKind.LABEL]
    session.add(
        Parcel(
            order_id=UUID(order.order_id),
            carrier_ref=label.carrier_ref,
            tracking_number=label.tracking_number,
            label=file,
        )
    )
    return label


def open_engine() -> AsyncEngine:
    """The database whose address is `BENCH_DATABASE_URL`, with connections for all that runs at once."""
    return create_async_engine(
        os.environ["BENCH_DATABASE_URL"], pool_size=CONNECTIONS, max_overflow=0, pool_timeout=60
    )


def sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)


async def create_tables(engine: AsyncEngine) -> None:
    """Safe to repeat, and by several at once."""
    async with engine.begin() as connection:
        await connection.exec_driver_sql("select pg_advisory_xact_lock(1)")
        await connection.run_sync(Base.metadata.create_all)


async def accept(engine: AsyncEngine, orders: Sequence[Order]) -> None:
    """The orders as they lie there before anything is done about them, and stock enough for them."""
    skus = {line.sku for order in orders for line in order.lines}
    async with sessions(engine).begin() as session:
        known = {sku for sku in skus if await session.get(StockLevel, sku)}
        session.add_all(StockLevel(sku=sku, on_hand=UNITS) for sku in skus - known)
        session.add_all(OrderRow.of(order) for order in orders)
