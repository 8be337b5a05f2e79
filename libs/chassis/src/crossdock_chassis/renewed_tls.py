"""Certificates that are replaced while the process runs, as an operator of a cluster does by itself."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crossdock_chassis.logging import get_logger

log = get_logger(__name__)

_Stamp = tuple[tuple[str, int, int], ...]


class RenewedContext(ssl.SSLContext):
    """A client's TLS context whose files are read anew for the next connection after they have changed.

    Connections that are open stay as they are. Files that do not fit together, or are gone, leave those in
    use that were read last.
    """

    _read: Callable[[], ssl.SSLContext]
    _files: tuple[Path, ...]
    _stamp: _Stamp
    _current: ssl.SSLContext

    @classmethod
    def of(cls, ca: Path | None, certificate: Path | None, key: Path | None) -> "RenewedContext":
        """`ca`: a PEM file or a folder of *.crt; None: the system's. Raises OSError, ssl.SSLError."""
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context._read = lambda: _context(ca, certificate, key)
        context._files = tuple(one for one in (ca, certificate, key) if one is not None)
        context._stamp = context._look()
        context._current = context._read()
        return context

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """What asyncio and uvloop call for each connection."""
        self._renew()
        return self._current.wrap_bio(*arguments, **options)

    def _renew(self) -> None:
        try:
            stamp = self._look()
            if stamp == self._stamp:
                return
            self._current = self._read()
        except (OSError, ssl.SSLError) as error:
            log.warning("kafka.certificates_unreadable", error=type(error).__name__)
        else:
            self._stamp = stamp
            log.info("kafka.certificates_renewed")

    def _look(self) -> _Stamp:
        found = ((str(file), file.stat()) for path in self._files for file in _files_of(path))
        return tuple((name, stat.st_ino, stat.st_mtime_ns) for name, stat in found)


def _context(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    if ca is None:
        context = ssl.create_default_context()
    else:
        # While an authority is renewed there are two of them, a file each, and brokers of both.
        context = ssl.create_default_context(cadata="\n".join(file.read_text() for file in _files_of(ca)))
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


def _files_of(path: Path) -> list[Path]:
    """Never none: OpenSSL would fall back to the authorities of the system."""
    files = sorted(path.glob("*.crt")) if path.is_dir() else [path]
    if not files:
        raise FileNotFoundError(f"there is no *.crt in {path}")
    return files
