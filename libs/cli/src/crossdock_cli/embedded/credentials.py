"""Generated database passwords, kept in one file that only its owner can read."""

import json
import os
import secrets
from pathlib import Path

from crossdock_cli.embedded.errors import EmbeddedError


class Credentials:
    """Role name to password, in a 0600 JSON file written whole each time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._passwords: dict[str, str] = {}
        if file.exists():
            try:
                self._passwords = dict(json.loads(file.read_text(encoding="utf-8")))
            except (OSError, ValueError) as error:
                raise EmbeddedError(
                    f"the passwords in {file} cannot be read; restore the file, or delete the data folder"
                ) from error

    def password(self, role: str) -> str:
        """Return the role's password; a new role gets one, of letters, digits, `-` and `_`, saved first."""
        if role not in self._passwords:
            self._passwords[role] = secrets.token_urlsafe(24)
            self._save()
        return self._passwords[role]

    def _save(self) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self._passwords, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._file)
