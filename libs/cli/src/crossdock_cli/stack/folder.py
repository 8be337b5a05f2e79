"""The data folder of a stack: everything that outlives a run, and the lock that one run holds."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crossdock_cli.embedded.data_folder import default_data_folder
from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import account_for, first_unreachable

#: The checkout this package is installed from.
REPOSITORY = Path(__file__).parents[5]


def usual_folder() -> Path:
    """`.crossdock` in the checkout; elsewhere when PostgreSQL, started by root, could not get there."""
    folder = REPOSITORY / ".crossdock"
    if os.geteuid() == 0 and first_unreachable(folder.parent, account_for("nobody")) is not None:
        return default_data_folder()
    return folder


class DataFolder:
    """Paths, small JSON files and the lock. Nothing is made before it is needed."""

    def __init__(self, path: Path | None = None) -> None:
        """`path` None: the usual folder."""
        self.path = (path or usual_folder()).expanduser().absolute()

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def lock_file(self) -> Path:
        return self.path / "lock"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder if it is not there and hold its lock. Raises EmbeddedError."""
        self._make()
        with self.lock_file.open("a+", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EmbeddedError(
                    f"a stack runs in {self.path} already (process {self.holder() or 'unknown'}); "
                    "stop it with `crossdock down`, or choose another folder with --data"
                ) from None
            lock.seek(0)
            lock.truncate()
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield  # the kernel drops the lock with the file, and when we are killed

    def holder(self) -> int:
        """The process that holds the lock; 0 for none."""
        try:
            with self.lock_file.open("r", encoding="ascii") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(lock.read().strip() or 0)
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as error:
            raise EmbeddedError(f"{self.lock_file} cannot be read: {error}") from error
        return 0

    def read(self, name: str) -> dict[str, Any]:
        """A JSON object kept in the folder; {} when it is not there. Raises EmbeddedError."""
        file = self.path / name
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise EmbeddedError(
                f"{file} cannot be read ({error}); restore it, or delete the data folder to begin anew"
            ) from error
        if not isinstance(found, dict):
            raise EmbeddedError(
                f"{file} does not hold what crossdock wrote; restore it, or delete the folder"
            )
        return found

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace it whole: 0600, so that only its owner reads it."""
        file = self.path / name
        fresh = file.with_name(f"{file.name}.new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(file)

    def _make(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise EmbeddedError(f"{self.path} is a file; choose another data folder")
        try:
            if self.path.exists() and not self.lock_file.exists() and any(self.path.iterdir()):
                raise EmbeddedError(
                    f"{self.path} is not empty and was not made by crossdock; choose an empty or new folder"
                )
            missing = [one for one in (self.path, *self.path.parents) if not one.exists()]
            for one in reversed(missing):
                one.mkdir(mode=0o700)
                if os.geteuid() == 0:
                    one.chmod(0o711)  # PostgreSQL runs as another user then, and passes through
            self.logs.mkdir(mode=0o700, exist_ok=True)
            self.lock_file.touch(mode=0o600)
        except OSError as error:
            raise EmbeddedError(
                f"the data folder {self.path} cannot be used: {error.strerror} ({error.filename}). "
                "Give yourself the right to write there, or choose another folder with --data"
            ) from error
