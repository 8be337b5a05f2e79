"""What the domain refuses. Arguments are ids, states and codes: never a name or an address."""

from uuid import UUID


class ShippingError(Exception):
    """Base of this domain's refusals."""


class HandOverRefused(ShippingError):
    """The shipment must not leave now. `code` says why: not_labelled, order_held, cancelled, ..."""

    def __init__(self, shipment_id: UUID, code: str) -> None:
        super().__init__(shipment_id, code)
        self.shipment_id = shipment_id
        self.code = code


class NotRepairable(ShippingError):
    """A repair needs a shipment that waits for one. Arguments: shipment id, state."""


class NotUnknown(ShippingError):
    """There is no unknown outcome to decide. Arguments: shipment id, state."""


class UnusableRepair(ShippingError):
    """The repair contradicts the shipment. Arguments: shipment id, a code."""


class UnusableRule(ShippingError):
    """The rule contradicts itself. Argument: a code."""
