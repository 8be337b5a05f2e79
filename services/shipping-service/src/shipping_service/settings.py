"""What the service is told by its environment."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import ServiceSettings

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Rate = Annotated[Decimal, Field(gt=0, max_digits=12)]


class ShippingSettings(ServiceSettings):
    """`SHIPPING_*`. Each carrier reads settings of its own, `CARRIER_<CODE>_*`."""

    model_config = SettingsConfigDict(env_prefix="SHIPPING_")

    carriers: tuple[str, ...] = Field(
        default=("easypost",),
        description='The connected carriers by code, as a JSON list: ["easypost"]. Each needs its settings.',
    )
    deferred_alarm_s: float = Field(
        default=600,
        ge=1,
        description="An event that waits longer for its order than this is an error in the log.",
    )
    personal_days: int = Field(
        default=90,
        ge=1,
        le=3650,
        description="Days after which a consignee and the bytes of a label are erased.",
    )
    sdr_rates: dict[Currency, Rate] = Field(
        default_factory=dict,
        description='Units of a currency for one special drawing right of the IMF, as JSON: {"EUR": "1.17"}. '
        "Below 300 SDR a postal item gets CN22; without a rate it gets CN23, which always does.",
    )
    label_format: Literal["pdf", "zpl"] = Field(
        default="pdf",
        description="Of labels that we print ourselves. Letters that a label printer lacks make it a PDF.",
    )
    failover_after_s: float = Field(
        default=900,
        ge=1,
        le=86_400,
        description="Seconds after which shipments leave a carrier that is down for the next by the rules.",
    )
    first_void_check_s: float = Field(
        default=600,
        gt=0,
        le=86_400,
        description="Seconds until a carrier is first asked about a void; twice as long each time.",
    )
    tracks_others: str | None = Field(
        default=None,
        description="The connected carrier that is asked about parcels whose own carrier does not tell.",
    )
    tracking_every_s: float = Field(
        default=14_400,
        ge=0.1,
        le=86_400,
        description="Seconds between two questions about a parcel that moves at home; other waits follow it.",
    )
    pickup_storage_days: float = Field(
        default=7,
        ge=3,
        le=60,
        description="Days that pick-up points keep a parcel; two days before, somebody is told.",
    )
