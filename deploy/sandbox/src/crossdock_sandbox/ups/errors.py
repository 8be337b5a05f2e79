"""UPS's way of saying no, slow down, and sorry.

Source: UPS-API/api-documentation, the error form of all its documents, and the codes that stand in them or
in its issues 8 and 123, read 2026-11-22. Codes from 990000 on are this sandbox's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from crossdock_sandbox.calls import Answer

BAD_REQUEST: Final = 400
UNAUTHORIZED: Final = 401
NOT_FOUND: Final = 404

WRONG_FORM: Final = "990001"
BROKEN_RULE: Final = "990002"
NO_LABEL: Final = "990003"
NOT_VOIDED: Final = "990004"
NO_OPERATION: Final = "990005"
TOO_LARGE: Final = "990006"
SERVER_ERROR: Final = "990500"
NO_SERVICE: Final = "111210"
WRONG_ACCOUNT: Final = "120100"
WRONG_LOGIN: Final = "250002"
WRONG_TOKEN: Final = "250003"
TOO_FAST: Final = "10429"
NOT_TRACKED: Final = "TV1002"
NOTHING_KNOWN: Final = "TW0001"
TOO_MANY_NUMBERS: Final = "VSS220"
NO_NUMBERS: Final = "VSS200"


@dataclass(frozen=True)
class Refused(Exception):
    """A request that is answered with errors, each a code and a message."""

    status: int
    errors: Sequence[tuple[str, str]]

    def answer(self) -> Answer:
        errors = [{"code": code, "message": message} for code, message in self.errors]
        outcome = f"refused:{self.errors[0][0]}"
        return Answer({"response": {"errors": errors}}, self.status, outcome, detail={"errors": errors})


def refused(code: str, message: str, status: int = BAD_REQUEST) -> Refused:
    return Refused(status, [(code, message)])


def broken(message: str) -> Refused:
    return refused(BROKEN_RULE, message)


def invalid(error: ValidationError) -> Refused:
    """Every field that does not fit, by its path, without its value."""
    return Refused(
        BAD_REQUEST,
        [
            (WRONG_FORM, f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}")
            for one in error.errors(include_input=False)[:20]
        ],
    )


class Words:
    """UPS's form of what any platform may say."""

    def server_error(self) -> Answer:
        return refused(SERVER_ERROR, "The system is temporarily unavailable", 500).answer()

    def throttled(self) -> Answer:
        return refused(TOO_FAST, "Too Many Requests", 429).answer()

    def refused(self, operation: str) -> Answer:
        return refused(
            NO_SERVICE, "The requested service is unavailable between the selected locations."
        ).answer()
