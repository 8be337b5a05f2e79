"""EasyPost: labels of many carriers behind one account. See README.md."""

from collections.abc import Sequence

from shipping_service.adapters.carriers.easypost import tracking
from shipping_service.adapters.carriers.easypost.client import EasyPostGateway
from shipping_service.adapters.carriers.easypost.settings import EasyPostSettings
from shipping_service.adapters.carriers.easypost.tracker import EasyPostTracker
from shipping_service.adapters.carriers.easypost.tracking_codes import CODES
from shipping_service.domain.consignment import DocumentKind
from shipping_service.use_cases.ports import Capabilities, Carrier, CarrierGateway
from shipping_service.use_cases.tracking_port import Tracker, Tracking, Webhook


def _open_gateway() -> CarrierGateway:
    return EasyPostGateway(EasyPostSettings.load())


def _open_tracker() -> Tracker:
    return EasyPostTracker(EasyPostSettings.load())


def _webhook_secrets() -> Sequence[str]:
    secret = EasyPostSettings.load().webhook_secret
    return () if secret is None else (secret.get_secret_value(),)


CARRIER = Carrier(
    code="easypost",
    # A shipment is bought once, for good; a purchase whose answer is lost may take as long as one call may.
    capabilities=Capabilities(
        can_find=True,
        can_void=True,
        void_is_async=True,
        pays_once=True,
        settles_s=60.0,
        makes=frozenset(DocumentKind),
    ),
    open_gateway=_open_gateway,
    # Lists may be asked for five times a second ("Rate Limiting and Backoff Guide", read 2026-11-22).
    tracking=Tracking(
        codes=CODES,
        open_tracker=_open_tracker,
        calls_per_s=5.0,
        webhook=Webhook(verify=tracking.verify, read=tracking.read, secrets=_webhook_secrets),
    ),
)
