"""17TRACK: tells where parcels of other carriers are, and sells no labels. See README.md."""

from collections.abc import Sequence

from shipping_service.adapters.carriers.seventeen_track import tracking
from shipping_service.adapters.carriers.seventeen_track.settings import SeventeenTrackSettings
from shipping_service.adapters.carriers.seventeen_track.tracker import SeventeenTrackTracker
from shipping_service.adapters.carriers.seventeen_track.tracking_codes import CODES
from shipping_service.use_cases.ports import Carrier
from shipping_service.use_cases.tracking_port import Tracker, Tracking, Webhook


def _open_tracker() -> Tracker:
    return SeventeenTrackTracker(SeventeenTrackSettings.load())


def _webhook_secrets() -> Sequence[str]:
    return SeventeenTrackSettings.load().keys


CARRIER = Carrier(
    code="seventeen_track",
    # Forty numbers go into one call. Three calls a second are said to be allowed, and a batch with a number
    # that is new takes two.
    tracking=Tracking(
        codes=CODES,
        open_tracker=_open_tracker,
        batch_size=40,
        calls_at_once=1,
        calls_per_s=1.5,
        webhook=Webhook(verify=tracking.verify, read=tracking.read, secrets=_webhook_secrets),
        subscribes=True,
    ),
)
