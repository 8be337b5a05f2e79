"""Whether a request carries a good AWS Signature Version 4, from the bytes that arrived.

Source: docs.aws.amazon.com, IAM user guide "Create a signed AWS API request", read 2026-11-22.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ALGORITHM = "AWS4-HMAC-SHA256"
LEEWAY = timedelta(minutes=15)

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<key_id>[^/\s]+)/(?P<day>\d{{8}})/(?P<region>[^/]+)/(?P<service>[^/]+)"
    r"/aws4_request, ?SignedHeaders=(?P<headers>[^,\s]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What an Authorization header says of itself."""

    key_id: str
    day: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


def claim_in(authorization: str) -> Claim | None:
    found = _AUTHORIZATION.fullmatch(authorization)
    if found is None:
        return None
    said = found.groupdict()
    headers = tuple(said.pop("headers").split(";"))
    return Claim(**said, headers=headers)


def signature_of(
    claim: Claim, secret: str, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> str:
    """What the signature has to be; `path` and `query` as they are on the wire, in canonical form already."""
    lines = [method, path, query]
    lines += [f"{name}:{' '.join(headers.get(name, '').split())}" for name in claim.headers]
    lines += ["", ";".join(claim.headers), hashlib.sha256(body).hexdigest()]
    request = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    text = "\n".join([ALGORITHM, headers.get("x-amz-date", ""), claim.scope, request])
    key = f"AWS4{secret}".encode()
    for part in (*claim.scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def is_fresh(claim: Claim, headers: Mapping[str, str], now: datetime) -> bool:
    """Whether it was signed within a quarter of an hour, on the day that its scope names."""
    try:
        at = datetime.strptime(headers.get("x-amz-date", ""), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(now - at) <= LEEWAY and at.strftime("%Y%m%d") == claim.day
