"""EasyPost's way of saying no, slow down, and sorry."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from crossdock_sandbox.calls import Answer

UNPROCESSABLE = 422


@dataclass(frozen=True)
class Refused(Exception):
    """A request that is answered with an error in EasyPost's shape."""

    status: int
    code: str
    message: str
    errors: Sequence[dict[str, str]] = ()

    def answer(self) -> Answer:
        error = {"code": self.code, "message": self.message, "errors": list(self.errors)}
        return Answer(
            {"error": error}, self.status, f"refused:{self.code}", detail={"errors": list(self.errors)}
        )


def not_found() -> Refused:
    return Refused(404, "NOT_FOUND", "The requested resource could not be found.")


def invalid(error: ValidationError, code: str = "SHIPMENT.INVALID_PARAMS") -> Refused:
    """Every field that does not fit, by its path."""
    return Refused(
        UNPROCESSABLE, code, "Invalid request: see errors.", [_named(one) for one in error.errors()[:50]]
    )


def field_error(code: str, field: str, message: str) -> Refused:
    return Refused(UNPROCESSABLE, code, message, [{"field": field, "message": message}])


def _named(error: Any) -> dict[str, str]:
    message = "unknown field" if error["type"] == "extra_forbidden" else error["msg"]
    return {"field": ".".join(str(part) for part in error["loc"]), "message": message}


class Words:
    """EasyPost's form of what any platform may say."""

    def server_error(self) -> Answer:
        return Refused(500, "INTERNAL_SERVER_ERROR", "We're sorry, something went wrong.").answer()

    def throttled(self) -> Answer:
        return Refused(429, "RATE_LIMITED", "Too many requests; please slow down.").answer()

    def refused(self, operation: str) -> Answer:
        if operation == "shipment.refund":
            message = "Unable to request refund. The parcel has been shipped."
            return Refused(UNPROCESSABLE, "SHIPMENT.REFUND.UNAVAILABLE", message).answer()
        message = "Unable to complete shipment purchase: the carrier refused the request."
        return Refused(UNPROCESSABLE, "SHIPMENT.POSTAGE.FAILURE", message).answer()
