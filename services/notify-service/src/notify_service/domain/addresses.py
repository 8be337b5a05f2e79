"""E-mail addresses: which can be written to, and how they are shown to people who need not know them."""

import hashlib
import re

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MAX_CHARS = 254  # RFC 5321, 4.5.3.1.3, less the brackets


def mailbox(address: str) -> str | None:
    """The address as SMTP takes it everywhere (a domain in other letters in its ASCII form), or None.

    Local parts beyond ASCII or in quotes are not written to: few servers take the first, nobody uses the
    second, and both are ways to smuggle something into a header.
    """
    local, at, domain = address.strip().rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        return None
    labels = ascii_domain.split(".")
    good = (
        bool(at)
        and 0 < len(local) <= 64
        and _LOCAL.fullmatch(local) is not None
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
    )
    found = f"{local}@{ascii_domain}"
    return found if good and len(found) <= _MAX_CHARS else None


def masked(address: str | None) -> str | None:
    """Enough to recognise what one knows already: `j***@example.com`."""
    if address is None:
        return None
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}" if at else "***"


def fingerprint(address: str) -> bytes:
    """What is kept of an address that wants no messages."""
    return hashlib.sha256(address.strip().lower().encode()).digest()
