"""YunExpress's envelope: of what went well, and of its no, slow down, and sorry.

Only `00000000`, that all went well, is confirmed. All other codes here are made up, and so are the texts,
which name fields as JSON does. A refusal comes under HTTP 200.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from crossdock_sandbox.calls import Answer

OK = "00000000"
UNSIGNED = "00100401"
INVALID = "00200400"
DUPLICATE = "00200409"
NOT_FOUND = "00200404"
NO_SUCH_PRODUCT = "00200410"
NO_LABEL_YET = "00200425"
TOO_LATE = "00200423"


def envelope(result: Any, *, code: str = OK, msg: str = "") -> dict[str, Any]:
    now = int(time.time() * 1000)
    return {
        "t": now,
        "success": code == OK,
        "code": code,
        "msg": msg,
        "request_id": f"r-{secrets.token_hex(8)}",
        "result": result,
    }


@dataclass(frozen=True)
class Refused(Exception):
    code: str
    msg: str
    status: int = 200

    def answer(self) -> Answer:
        said = envelope(None, code=self.code, msg=self.msg)
        return Answer(said, self.status, f"refused:{self.code}", detail={"msg": self.msg})


def invalid(error: ValidationError) -> Refused:
    """The first field that does not fit."""
    first = error.errors()[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    return Refused(INVALID, f"{path.removeprefix('.')}: {first['msg']}")


class Words:
    """YunExpress's form of what any platform may say."""

    def server_error(self) -> Answer:
        return Refused("00999999", "system error", 500).answer()

    def throttled(self) -> Answer:
        return Refused("00100429", "too many requests", 429).answer()

    def refused(self, operation: str) -> Answer:
        return Refused(NO_SUCH_PRODUCT, "product_code: not open to this account").answer()
