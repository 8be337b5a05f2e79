"""A tracker that tells what a test has put there."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shipping_service.domain.tracking import INFO, UNKNOWN, Codes, Scan, Status, means, undoes
from shipping_service.use_cases.tracking_port import (
    Ack,
    Delivery,
    NotAuthentic,
    NotTracked,
    Told,
    Tracking,
    TrackingRef,
    Webhook,
)

CODES: Codes = {
    "code": {**{str(one): means(one) for one in Status}, "note": INFO, "undo": undoes("delivered")}
}


def a_scan(number: str, code: str, at: datetime, *, text: str = "", country: str = "DE") -> Scan:
    return Scan(
        tracking_number=number,
        raw_code=code,
        meaning=CODES["code"].get(code, UNKNOWN),
        local_time=at.isoformat(),
        occurred_at=at,
        raw_text=text,
        city="Berlin",
        country=country,
    )


@dataclass
class ScriptedTracker:
    """`told`: tracking number -> what it is answered with. `fails`: raised by the next call instead.
    `refuses`: numbers whose news it does not push.
    """

    told: dict[str, Told | NotTracked] = field(default_factory=dict)
    fails: list[Exception] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)
    subscribed: list[str] = field(default_factory=list)
    refuses: dict[str, NotTracked] = field(default_factory=dict)

    async def track(self, refs: Sequence[TrackingRef]) -> Mapping[str, Told | NotTracked]:
        self.asked.append([one.tracking_number for one in refs])
        if self.fails:
            raise self.fails.pop()
        return {number: answer for number, answer in self.told.items() if number in self.asked[-1]}

    async def subscribe(self, refs: Sequence[TrackingRef]) -> Mapping[str, str | NotTracked]:
        self.subscribed += [one.tracking_number for one in refs]
        numbers = [one.tracking_number for one in refs]
        return {number: self.refuses.get(number, f"trk_{number}") for number in numbers}

    async def close(self) -> None:
        self.asked.append(["closed"])


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Delivery:
    if headers.get("x-secret") not in secrets:
        raise NotAuthentic
    return Delivery(headers.get("x-id", ""), body, Ack(202, b"taken", "text/plain"))


def read(payload: bytes) -> Told:
    """`[[number, code, time], ...]`"""
    told = json.loads(payload)
    return Told(tuple(a_scan(number, code, datetime.fromisoformat(at)) for number, code, at in told))


def pushing(*, pull_only: bool = False) -> Webhook:
    return Webhook(verify=verify, read=read, secrets=lambda: ("s3cret",), pull_only=pull_only)


def a_tracking(tracker: ScriptedTracker, **more: object) -> Tracking:
    given: dict[str, object] = {"codes": CODES, "open_tracker": lambda: tracker, "batch_size": 2, **more}
    return Tracking(**given)  # type: ignore[arg-type]
