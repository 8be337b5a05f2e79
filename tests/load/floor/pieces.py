"""An order on its way through one process of the floor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from crossdock_cli.demo.run import Run
from shipping_service.domain.consignment import BoughtLabel, DocumentKind

from ..accepted import Order
from ..outside import Label
from .likeness import Copy, Likeness

TOPIC_PREFIX = "floor."
#: What of an order's rows comes from the carrier and from the shop.
OF_LABEL = ("carrier_ref", "tracking_number", "tracking_url", "tracker_ref")
FULFILMENT = "fulfilment"


def texts_of(order: Order) -> dict[str, str]:
    """What every order has of its own besides ids, by the names that the patterns give it."""
    lines = {f"line_{place}": line.external_id for place, line in enumerate(order.lines)}
    return {"external_id": order.external_id, "number": order.number, "email": order.email, **lines}


@dataclass(slots=True)
class Piece:
    """`behind`: the steps that are; `file`: the label's."""

    order: Order
    likeness: Likeness
    copy: Copy
    label: Label | None = None
    file: bytes = b""
    behind: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, order: Order, likeness: Likeness) -> "Piece":
        copy = likeness.copy(UUID(order.order_id), texts_of(order), datetime.now(UTC))
        return cls(order, likeness, copy)

    @classmethod
    def numbered(cls, number: int, order_id: str, run: Run, patterns: Mapping[str, Likeness]) -> "Piece":
        """The piece of an order of which only its number is known."""
        order = Order.of(run, number, order_id)
        return cls.of(order, patterns[order.place])

    @property
    def number(self) -> int:
        return int(self.order.number.rpartition("-")[2])

    @property
    def shown(self) -> Label:
        """What `parcel.shipped` told of the label. Raises LookupError before it did."""
        if self.label is None:
            raise LookupError(self.order.number)
        return self.label

    def learn_bought(self, bought: BoughtLabel) -> None:
        (self.file,) = (one.content for one in bought.documents if one.kind is DocumentKind.LABEL)
        for name in OF_LABEL:
            self.copy[name] = getattr(bought, name) or ""

    def learn_shipped(self, event: Mapping[str, str]) -> None:
        """What `parcel.shipped` tells of the label."""
        self.label = Label(
            "", event["carrier"], event["service"], event["tracking_number"], event["tracking_url"]
        )
        self.copy["tracking_number"] = event["tracking_number"]
        self.copy["tracking_url"] = event["tracking_url"]

    def learn_written_back(self, ref: str) -> None:
        self.copy[FULFILMENT] = ref
