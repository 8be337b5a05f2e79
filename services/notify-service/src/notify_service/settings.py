"""NOTIFY_*: what notify-service is told."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import ServiceSettings
from notify_service.use_cases.ports import Policy


class NotifySettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="NOTIFY_")

    tell_rejected_shipments: bool = Field(
        default=False,
        description="Tell the buyer of a delay when no label could be had, before a person has looked at it.",
    )
    personal_days: int = Field(
        default=90, ge=1, le=3650, description="Days after which an order's buyer is erased here."
    )
    give_up_h: float = Field(
        default=24, gt=0, le=168, description="Hours a message waits for a mail server before it has failed."
    )

    def policy(self, channels: tuple[str, ...]) -> Policy:
        return Policy(
            channels=channels,
            tell_rejected_shipments=self.tell_rejected_shipments,
            personal_days=self.personal_days,
            give_up_after=timedelta(hours=self.give_up_h),
        )
