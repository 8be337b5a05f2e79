"""Answers in the platform's envelope: errors are codes in it, and most of them come under HTTP 200.

Source: the marketplace fact sheet on TikTok Shop; codes as public guides quote them from the Partner Center's
page "Common errors", read 2026-11-22. README.md names what is not recorded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.tiktok_shop.store import Shop

T = TypeVar("T", bound=BaseModel)

INVALID = 21001001
NOT_FOUND = 21011001
ALREADY_SHIPPED = 21011006


class Given(BaseModel):
    """The original passes over fields that it does not know; here they are a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class Call:
    """One call for one shop, let in. `name` is what its path names."""

    shop: Shop
    name: str
    query: Mapping[str, str]
    body: bytes
    base_url: str


def said(data: object, *, reference: str | None = None) -> Answer:
    envelope = {"code": 0, "message": "Success", "request_id": "2026EXAMPLE", "data": data}
    return Answer(envelope, reference=reference)


def error(code: int, message: str, status: int = 200) -> Answer:
    envelope = {"code": code, "message": message, "request_id": "2026EXAMPLE"}
    return Answer(envelope, status, outcome=f"code_{code}", detail={"message": message})


class Words:
    def server_error(self) -> Answer:
        return error(36009003, "Internal error. Please try again.", 500)

    def throttled(self) -> Answer:
        return error(36009002, "Too many requests.", 429)

    def refused(self, operation: str) -> Answer:
        return error(INVALID, f"{operation} is refused.")


def reading(call: Call, model: type[T], work: Callable[[T], Answer]) -> Answer:
    """What `work` makes of the body, or what is wrong with it."""
    try:
        given = model.model_validate_json(call.body)
    except ValidationError as wrong:
        fields = ", ".join(".".join(map(str, one["loc"])) or "body" for one in wrong.errors()[:5])
        return error(INVALID, f"Invalid parameters: {fields}")
    return work(given)
