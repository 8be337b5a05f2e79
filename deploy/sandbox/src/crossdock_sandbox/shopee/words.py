"""How Shopee wraps what it says: it went well when `error` is empty, whatever the HTTP status is."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, ValidationError

from crossdock_sandbox.calls import Answer

T = TypeVar("T", bound="Body")


class Body(BaseModel):
    """What a call brings: nothing more than is known, and nothing of another kind."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Words:
    """What Shopee says as any platform does."""

    def server_error(self) -> Answer:
        return error("error_server", "Something wrong. Please try later.", status=500)

    def throttled(self) -> Answer:
        return error("error_rate_limit", "Too many requests, please try again later.")

    def refused(self, operation: str) -> Answer:
        return error("error_permission", f"No permission to current api: {operation}.", status=403)


def good(response: Any, *, warning: str = "", reference: str | None = None, **detail: object) -> Answer:
    return Answer(_wrapped(warning=warning, response=response), reference=reference, detail=detail)


def error(code: str, message: str, *, status: int = 200, response: Any = None) -> Answer:
    outcome = "server_error" if status == 500 else "throttled" if code == "error_rate_limit" else "refused"
    content = _wrapped(error=code, message=message, response=response)
    return Answer(content, status, outcome, detail={"error": code})


def wrong(message: str) -> Answer:
    return error("error_param", f"Wrong parameters, detail: {message}.")


def given(body: bytes, model: type[T], work: Callable[[T], Answer]) -> Answer:
    """The work on a body that fits, or what is wrong with it."""
    try:
        fitting = model.model_validate_json(body)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        return wrong(f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['type']}")
    return work(fitting)


def _wrapped(**said: Any) -> dict[str, Any]:
    return {"error": "", "message": "", "warning": "", "request_id": uuid4().hex, **said}
