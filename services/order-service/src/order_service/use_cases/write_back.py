"""What we owe the marketplace once a parcel has left: its tracking number, until it is confirmed."""

from crossdock_contracts.shipping import ParcelShippedV1
from order_service.domain.order import LabelSource, Order
from order_service.domain.order_table import OrderStatus
from order_service.domain.write_back import owed_units
from order_service.use_cases.marketplace import Tracking
from order_service.use_cases.obligations import owe
from order_service.use_cases.ports import Obligation, Transaction


async def owe_tracking(event: ParcelShippedV1, order: Order, *, tx: Transaction) -> None:
    """A cancelled order's marketplace wants no tracking number; one that issued the label gave it itself."""
    units = owed_units(order, event.parcel_id)
    its_own = order.terms.label_source is LabelSource.MARKETPLACE
    if not units or its_own or order.status is OrderStatus.CANCELLED:
        return
    details = {
        "tracking_number": event.tracking_number,
        "tracking_url": event.tracking_url,
        "carrier": event.carrier,
        "units": dict(units),
    }
    await owe(order, "tracking", str(event.parcel_id), details, cause=event.cause, tx=tx)


def tracking_of(obligation: Obligation) -> Tracking:
    """The call an obligation asks for."""
    details = obligation.details
    return Tracking(
        external_id=details["external_id"],
        tracking_number=details["tracking_number"],
        tracking_url=details["tracking_url"],
        carrier=details["carrier"],
        units=details["units"],
    )
