"""YunExpress: one order, whose number and label may come later. See README.md."""

from collections.abc import Sequence

from shipping_service.adapters.carriers.yunexpress import tracking, webhook
from shipping_service.adapters.carriers.yunexpress.client import YunExpressGateway
from shipping_service.adapters.carriers.yunexpress.settings import YunExpressSettings
from shipping_service.adapters.carriers.yunexpress.tracker import YunExpressTracker
from shipping_service.adapters.carriers.yunexpress.tracking_codes import CODES
from shipping_service.use_cases.ports import Capabilities, Carrier, CarrierGateway
from shipping_service.use_cases.tracking_port import Tracker, Tracking, Webhook


def _open_gateway() -> CarrierGateway:
    return YunExpressGateway(YunExpressSettings.load())


def _open_tracker() -> Tracker:
    return YunExpressTracker(YunExpressSettings.load())


def _webhook_keys() -> Sequence[str]:
    key = YunExpressSettings.load().webhook_key
    return () if key is None else (key.get_secret_value(),)


CARRIER = Carrier(
    code="yunexpress",
    # An order's number is ours and unique; a creation whose answer is lost may take as long as one call may.
    capabilities=Capabilities(
        can_find=True, can_void=True, void_is_async=True, pays_once=True, settles_s=60.0
    ),
    open_gateway=_open_gateway,
    tracking=Tracking(
        codes=CODES,
        open_tracker=_open_tracker,
        webhook=Webhook(verify=webhook.verify, read=tracking.read, secrets=_webhook_keys),
    ),
)
