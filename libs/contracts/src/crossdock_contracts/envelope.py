"""What every event has in common: its name, its key, its version, and the CloudEvents attributes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr


def _utc(value: datetime) -> datetime:
    if value.utcoffset() is None:
        raise ValueError("a time needs an offset from UTC")
    return value


#: An aware time. Naive times are refused: nobody can say later what they meant.
Timestamp = Annotated[datetime, AfterValidator(_utc)]
MerchantId = Annotated[str, Field(min_length=1, max_length=64)]
Sku = Annotated[str, Field(min_length=1, max_length=128)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")]
DecimalString = Annotated[str, Field(pattern=r"^-?\d{1,18}(\.\d{1,12})?$")]


class Record(BaseModel):
    """A value inside an event. Frozen; a publisher cannot set a field that the contract does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Money(Record):
    """An amount in the minor unit: 1999, EUR, exponent 2 is 19.99 EUR; 1999, JPY, exponent 0 is 1999 JPY."""

    amount_minor: int
    currency: Currency
    exponent: int = Field(ge=0, le=4)


class ActorKind(StrEnum):
    PERSON = "person"
    SERVICE = "service"
    MARKETPLACE = "marketplace"
    CARRIER = "carrier"
    TIMER = "timer"


class Actor(Record):
    """Who made it happen. `name` is that of a token, a service, a platform or a timer: never a buyer's."""

    kind: ActorKind
    name: str = Field(min_length=1, max_length=128)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is said or done: it links an event to the one before it and both to one trace.

    `event_id` is the event that led here (null where a request or a timer began it), `correlation_id` is
    shared by all that follows from one beginning, `traceparent` is W3C Trace Context.
    """

    event_id: UUID | None = None
    correlation_id: UUID | None = None
    traceparent: str | None = None

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.event_id or self.correlation_id or self.traceparent)


@dataclass(frozen=True, slots=True)
class EventMeta:
    """The CloudEvents attributes an event was read with."""

    event_id: UUID
    source: str
    time: datetime
    correlation_id: UUID
    causation_id: UUID | None
    traceparent: str | None


class Event(Record):
    """What one service tells the others.

    Publishers build it strictly: an unknown field raises. Readers use `read`, which ignores fields they
    do not know, so a publisher may add optional fields within a version.
    """

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]
    SOURCE: ClassVar[str]

    merchant_id: MerchantId
    aggregate_version: int = Field(
        ge=1,
        description="Counts 1, 2, 3, ... per publisher and key over all its topics (ce_aggregateversion).",
    )
    actor: Actor
    reason: str | None = Field(default=None, max_length=500)

    _meta: EventMeta | None = PrivateAttr(default=None)

    @property
    def key(self) -> str:
        """The key of the Kafka record: the order id, or the SKU for events about stock and SKUs."""
        raise TypeError(f"{type(self).__name__} is not published")

    @property
    def meta(self) -> EventMeta:
        """The attributes it was read with. Raises LookupError on an event that was built here."""
        if self._meta is None:
            raise LookupError(f"{self.TYPE} was built here and has no attributes yet")
        return self._meta

    @property
    def cause(self) -> Cause:
        """What to hand on with everything that follows from this event. Raises LookupError as `meta` does."""
        return Cause(self.meta.event_id, self.meta.correlation_id, self.meta.traceparent)

    @classmethod
    def read(cls, payload: bytes, meta: EventMeta) -> Self:
        """Parse what a publisher sent. Raises pydantic.ValidationError. Unknown fields are ignored."""
        event = cls.model_validate_json(payload, extra="ignore")
        event._meta = meta
        return event


class OrderKeyed(Event):
    """An event about one order; all of them share the order's partition number."""

    order_id: UUID

    @property
    def key(self) -> str:
        return str(self.order_id)


def concrete(base: type[Event]) -> Iterator[type[Event]]:
    """Every event type below `base` that has a name of its own."""
    for one in base.__subclasses__():
        if "TYPE" in one.__dict__:
            yield one
        yield from concrete(one)
