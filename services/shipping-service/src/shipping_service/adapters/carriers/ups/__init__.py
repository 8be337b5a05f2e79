"""UPS: one call sells a shipment and answers its label, which can be got again. See README.md."""

from collections.abc import Sequence

from shipping_service.adapters.carriers.ups import tracking
from shipping_service.adapters.carriers.ups.client import UpsGateway
from shipping_service.adapters.carriers.ups.settings import UpsSettings
from shipping_service.adapters.carriers.ups.tracker import UpsTracker
from shipping_service.adapters.carriers.ups.tracking_codes import CODES
from shipping_service.use_cases.ports import Capabilities, Carrier, CarrierGateway
from shipping_service.use_cases.tracking_port import Tracker, Tracking, Webhook


def _open_gateway() -> CarrierGateway:
    return UpsGateway(UpsSettings.load())


def _open_tracker() -> Tracker:
    return UpsTracker(UpsSettings.load())


def _webhook_secrets() -> Sequence[str]:
    settings = UpsSettings.load()
    return ((settings.webhook_key or settings.client_id).get_secret_value(),)


CARRIER = Carrier(
    code="ups",
    # `find` gets a label again by our reference, and never says that none was sold: "not found" may only be
    # too early. UPS makes an invoice too, but not in `makes`: where its answer has none, ours is printed.
    capabilities=Capabilities(can_find=True, can_void=True, void_is_async=False),
    open_gateway=_open_gateway,
    # Alerts carry a key that anybody who has heard one knows, so they only make us ask.
    tracking=Tracking(
        codes=CODES,
        open_tracker=_open_tracker,
        webhook=Webhook(verify=tracking.verify, read=tracking.read, secrets=_webhook_secrets, pull_only=True),
        subscribes=True,
    ),
)
