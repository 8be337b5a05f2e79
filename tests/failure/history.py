"""What the clients saw: every webhook, command and read with its answer, or with none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSent:
    """One delivery. `status` None: no answer came, it may have been taken or not."""

    shop: str
    order_id: int  # the marketplace's
    topic: str  # orders/create, ...
    webhook_id: str
    status: int | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSent:
    """One writing request of a person or tool. `answer`: the body of a 2xx, None without one."""

    service: str
    path: str
    idempotency_key: str
    body_digest: str
    status: int | None
    answer: Mapping[str, Any] | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRead:
    """What one client saw of an order; the reads of one client are in the order they were made."""

    client: str
    order_id: str  # ours
    version: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """A record that the proof itself produced: a copy of an earlier one, or poison.

    `offset` None: its ack never came, so any record of this topic and key may be it.
    """

    topic: str
    partition: int
    offset: int | None
    key: str | None  # as it was produced; None: a record without a key
    event_id: str | None  # its ce_id, where it has one
    poison: bool  # nobody can read it: it has to be parked


@dataclass(slots=True)
class History:
    """Filled while traffic runs. `shops`: account -> shop domain of the accounts that took part."""

    shops: dict[str, str] = field(default_factory=dict)
    webhooks: list[WebhookSent] = field(default_factory=list)
    commands: list[CommandSent] = field(default_factory=list)
    reads: list[OrderRead] = field(default_factory=list)
    injected: list[Injected] = field(default_factory=list)
