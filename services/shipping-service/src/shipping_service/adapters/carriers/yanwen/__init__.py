"""Yanwen: one order, whose label may come later and whose cancel is confirmed later. See README.md."""

from shipping_service.adapters.carriers.yanwen.client import YanwenGateway
from shipping_service.adapters.carriers.yanwen.settings import YanwenSettings
from shipping_service.adapters.carriers.yanwen.tracker import BATCH_SIZE, YanwenTracker
from shipping_service.adapters.carriers.yanwen.tracking_codes import CODES
from shipping_service.use_cases.ports import Capabilities, Carrier, CarrierGateway
from shipping_service.use_cases.tracking_port import Tracker, Tracking


def _open_gateway() -> CarrierGateway:
    return YanwenGateway(YanwenSettings.load())


def _open_tracker() -> Tracker:
    return YanwenTracker(YanwenSettings.load())


CARRIER = Carrier(
    code="yanwen",
    # A signed call is taken for five minutes, so a creation that got lost cannot come through later. That a
    # second order of the same number is refused, Yanwen has not confirmed: hence not `pays_once`.
    capabilities=Capabilities(can_find=True, can_void=True, void_is_async=True, settles_s=300.0),
    open_gateway=_open_gateway,
    tracking=Tracking(codes=CODES, open_tracker=_open_tracker, batch_size=BATCH_SIZE),
)
