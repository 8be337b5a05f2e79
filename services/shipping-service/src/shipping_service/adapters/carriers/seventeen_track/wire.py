"""The fields of 17TRACK that we use, named as they name them.

Source: 17TRACK's API documentation v2.2 (asset.17track.net/api/document/v2.2_en), read 2026-11-22.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Heard(BaseModel):
    """More than we read, and names that an error must not repeat."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Error(Heard):
    code: int


class Rejected(Heard):
    number: str
    error: Error


class Data(Heard):
    """What is said of one number must not spoil what is said of the others: it is read one by one."""

    accepted: tuple[dict[str, Any], ...] = ()
    rejected: tuple[Rejected, ...] = ()


class Answer(Heard):
    """`code` is 0, or the whole call is refused; with 0 there may be numbers among the rejected ones."""

    code: int
    data: Data = Data()


class Registered(Heard):
    number: str
    carrier: int | None = None


class Address(Heard):
    country: str | None = None
    city: str | None = None


class RawTime(Heard):
    date: str | None = None
    time: str | None = None


class Event(Heard):
    """`time_iso` has the place's offset; without one there is at most the time as the carrier said it."""

    time_iso: str | None = None
    time_utc: str | None = None
    time_raw: RawTime | None = None
    description: str | None = None
    location: str | None = None
    stage: str | None = None
    sub_status: str | None = None
    address: Address | None = None


class ProviderName(Heard):
    key: int | None = None


class Provider(Heard):
    """One carrier on the parcel's way, with its own list."""

    provider: ProviderName = ProviderName()
    events: tuple[Event, ...] = ()


class Providers(Heard):
    providers: tuple[Provider, ...] = ()


class LatestStatus(Heard):
    status: str | None = None
    sub_status: str | None = None


class MiscInfo(Heard):
    local_key: int | None = None


class TrackInfo(Heard):
    latest_status: LatestStatus | None = None
    misc_info: MiscInfo | None = None
    tracking: Providers | None = None


class Tracked(Heard):
    """Of /gettrackinfo and of a push. A push that says that tracking stopped has no `track_info`."""

    number: str
    track_info: TrackInfo | None = None


class Push(Heard):
    event: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
