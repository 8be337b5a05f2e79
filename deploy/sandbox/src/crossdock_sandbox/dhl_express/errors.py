"""MyDHL's way of saying no, slow down, and sorry.

Source: the OpenAPI document of MyDHL API 3.1.1 (karrioapi/karrio, modules/connectors/mydhl/vendors), the
examples of POST /shipments, read 2026-11-22. It describes no 401 and no 429: these two are given its usual
form here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from crossdock_sandbox.calls import Answer

BAD_REQUEST = 400
UNPROCESSABLE = 422
MANY = "Multiple problems found, see Additional Details"

_TITLES = {
    BAD_REQUEST: ("Bad request", "Bad request"),
    401: ("Unauthorized", "Unauthorized"),
    404: ("Not found", "Not found"),
    413: ("Payload too large", "Payload too large"),
    UNPROCESSABLE: ("Validation error", "Unprocessable Entity"),
    429: ("Too many requests", "Too many requests"),
    500: ("Internal Server Error", "Internal Server Error"),
}


@dataclass(frozen=True)
class Refused(Exception):
    """A request that is answered with a problem. A code of theirs stands at the beginning of a detail."""

    status: int
    details: Sequence[str]

    def answer(self) -> Answer:
        title, message = _TITLES[self.status]
        detail = self.details[0] if len(self.details) == 1 else MANY
        problem: dict[str, object] = {
            "instance": "/expressapi/shipments",
            "detail": detail,
            "title": title,
            "message": message,
            "status": str(self.status),
        }
        if len(self.details) > 1:
            problem["additionalDetails"] = list(self.details)
        outcome = f"refused:{self.status}"
        return Answer(problem, self.status, outcome, detail={"details": list(self.details)})


def refused(detail: str, status: int = BAD_REQUEST) -> Refused:
    return Refused(status, [detail])


def invalid(error: ValidationError) -> Refused:
    """Every field that does not fit, by its JSON pointer."""
    return Refused(UNPROCESSABLE, [_named(one) for one in error.errors()[:50]])


def _named(error: Any) -> str:
    *parents, last = error["loc"] or ("",)
    parent = "/".join(["#", *map(str, parents)])
    length = len(error["input"]) if isinstance(error["input"], str | list) else None
    match error["type"]:
        case "missing":
            return f"{parent}: required key [{last}] not found"
        case "extra_forbidden":
            return f"{parent}: extraneous key [{last}] is not permitted"
        case "string_too_long":
            return f"{parent}/{last}: expected maxLength: {error['ctx']['max_length']}, actual: {length}"
        case "string_too_short":
            return f"{parent}/{last}: expected minLength: {error['ctx']['min_length']}, actual: {length}"
    return f"{parent}/{last}: {error['msg']}"


class Words:
    """MyDHL's form of what any platform may say."""

    def server_error(self) -> Answer:
        return refused(
            "999: Process failure occurred. Process ID associated for that transaction (1234567890)", 500
        ).answer()

    def throttled(self) -> Answer:
        return refused("Too many requests within defined time period, please try again later.", 429).answer()

    def refused(self, operation: str) -> Answer:
        return refused(
            "8003: Account not allowed for this service. Please contact your DHL Express representative."
        ).answer()
