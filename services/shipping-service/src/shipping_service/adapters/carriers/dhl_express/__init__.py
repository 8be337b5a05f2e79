"""DHL Express: one call sells a shipment and answers its label. See README.md."""

from shipping_service.adapters.carriers.dhl_express.client import DhlExpressGateway
from shipping_service.adapters.carriers.dhl_express.settings import DhlExpressSettings
from shipping_service.adapters.carriers.dhl_express.tracker import BATCH_SIZE, DhlExpressTracker
from shipping_service.adapters.carriers.dhl_express.tracking_codes import CODES
from shipping_service.domain.consignment import DocumentKind
from shipping_service.use_cases.ports import Capabilities, Carrier, CarrierGateway
from shipping_service.use_cases.tracking_port import Tracker, Tracking


def _open_gateway() -> CarrierGateway:
    return DhlExpressGateway(DhlExpressSettings.load())


def _open_tracker() -> Tracker:
    return DhlExpressTracker(DhlExpressSettings.load())


CARRIER = Carrier(
    code="dhl_express",
    # MyDHL API has no call that voids a shipment, and none that tells for certain whether one was sold.
    capabilities=Capabilities(
        can_find=False,
        can_void=False,
        void_is_async=False,
        makes=frozenset({DocumentKind.LABEL, DocumentKind.COMMERCIAL_INVOICE}),
    ),
    open_gateway=_open_gateway,
    tracking=Tracking(codes=CODES, open_tracker=_open_tracker, batch_size=BATCH_SIZE, calls_at_once=2),
)
