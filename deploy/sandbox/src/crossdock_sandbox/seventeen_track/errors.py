"""17TRACK's way of saying no, slow down, and sorry.

Source: help.17track.net, "Error Codes and Troubleshooting", read 2026-11-22.
"""

from dataclasses import dataclass

from crossdock_sandbox.calls import Answer

OK = 200
UNAUTHORIZED = 401
NOT_FOUND = 404
SLOW_DOWN = 429
BROKEN = 500

WRONG_KEY = -18010002
INTERNAL = -18010003
DISABLED = -18010004
INVALID_FORMAT = -18010012
INVALID_DATA = -18010013
TOO_MANY = -18010014
REGISTERED = -18019901
NOT_REGISTERED = -18019902
NOT_DETECTED = -18019903
ONLY_STOPPED = -18019904
ONLY_ONCE = -18019905
ONLY_TRACKED = -18019906
QUOTA_USED = -18019908
NO_DATA_YET = -18019909

_WORDS = {
    WRONG_KEY: "Access token is invalid.",
    INTERNAL: "Internal service error, please retry later.",
    DISABLED: "Account is disabled.",
    INVALID_FORMAT: "The format of the data is invalid.",
    INVALID_DATA: "The submitted data is invalid.",
    TOO_MANY: "Tracking numbers exceed the 40 limit.",
    REGISTERED: "The tracking number has been registered.",
    NOT_REGISTERED: "The tracking number is not registered, please register it first.",
    NOT_DETECTED: "Carrier can not be detected.",
    ONLY_STOPPED: "Only stopped numbers can be tracked again.",
    ONLY_ONCE: "A number can be tracked again only once.",
    ONLY_TRACKED: "Only numbers that are tracked can be stopped.",
    QUOTA_USED: "The quota is used up.",
    NO_DATA_YET: "There is no tracking information at the moment.",
}


def error_of(code: int) -> dict[str, object]:
    return {"code": code, "message": _WORDS[code]}


@dataclass(frozen=True)
class Refused(Exception):
    """A call that is refused as a whole."""

    code: int
    status: int = OK

    def answer(self) -> Answer:
        content = {"code": self.code, "data": {"errors": [error_of(self.code)]}}
        return Answer(content, self.status, f"refused:{self.code}")


class Words:
    """17TRACK's form of what any platform may say."""

    def server_error(self) -> Answer:
        return Refused(INTERNAL, BROKEN).answer()

    def throttled(self) -> Answer:
        return Answer({}, SLOW_DOWN, "throttled")

    def refused(self, operation: str) -> Answer:
        return Refused(DISABLED).answer()
