"""One PostgreSQL server with an archive beside it, driven by the scripts of deploy/backup."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crossdock_cli.embedded.credentials import Credentials
from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import LOOPBACK, Launch, account_for
from crossdock_cli.embedded.postgres import ADMIN, PostgresServer
from crossdock_cli.embedded.postgres_binaries import binaries_for

SCRIPTS = Path(__file__).parents[3] / "deploy" / "backup"
#: How much of the newest log may not be archived yet. Five minutes are usual; a drill has not that long.
ARCHIVE_TIMEOUT_S = 5
_START_S = 120.0


@dataclass
class Archived:
    """A server whose log is archived. As root, everything of it belongs to PostgreSQL's account."""

    folder: Path
    port: int

    def __post_init__(self) -> None:
        self._account = account_for("nobody") if os.geteuid() == 0 else None
        self._binaries = binaries_for(self._account, self.folder / "binaries")
        self._archive = self.folder / "archive"
        self._scripts = self.folder / "scripts"  # the account may not pass through to a private checkout
        self._server_folder = self.folder / "first"
        self.server = PostgresServer(self._server_folder, port=self.port)

    def start(self) -> None:
        """The first start, with an archive from the first commit on."""
        self.folder.mkdir(mode=0o711, exist_ok=True)
        self.folder.chmod(0o711)
        shutil.copytree(SCRIPTS, self._scripts)
        self._archive.mkdir()
        if self._account is not None:
            os.chown(self._archive, self._account.uid, self._account.gid)
        self.server.prepare()
        cluster = self._server_folder / "cluster"
        with (cluster / "postgresql.auto.conf").open("a", encoding="ascii") as settings:
            settings.write(
                "archive_mode = 'on'\n"
                f"archive_timeout = '{ARCHIVE_TIMEOUT_S}s'\n"
                f'archive_command = \'{self._scripts}/archive-wal.sh "%p" "%f" "{self._archive}"\'\n'
            )
        with (cluster / "pg_hba.conf").open("a", encoding="ascii") as rules:
            rules.write(f"host replication {ADMIN} {LOOPBACK}/32 scram-sha-256\n")
        self.server.start()

    def back_up(self) -> None:
        """A base backup."""
        password = Credentials(self._server_folder / "credentials.json").password(ADMIN)
        client = {"PGHOST": LOOPBACK, "PGPORT": str(self.port), "PGUSER": ADMIN, "PGPASSWORD": password}
        self._run("base-backup.sh", str(self._archive), environment=client)

    def now(self) -> str:
        """The server's time, which a restore can be asked for."""
        return self.server.sql("select clock_timestamp()")

    def archive_all(self) -> None:
        """Until everything committed so far lies in the archive: what a disk that dies later leaves us."""
        last = self.server.sql("select pg_walfile_name(pg_switch_wal())")
        deadline = time.monotonic() + _START_S
        while self.server.sql("select coalesce(last_archived_wal, '') from pg_stat_archiver") < last:
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{last} is not archived after {_START_S:.0f} s")
            time.sleep(0.2)

    def lose(self) -> None:
        """The server dies and its disk with it."""
        self.server.kill()
        shutil.rmtree(self._server_folder / "cluster")

    def restore(self, target: str) -> None:
        """A new server, at the same address, as the old one was then."""
        folder = self.folder / "second"
        folder.mkdir(mode=0o711)
        folder.chmod(0o711)
        if self._account is not None:
            os.chown(folder, self._account.uid, self._account.gid)
        shutil.copy2(self._server_folder / "credentials.json", folder)
        self._run("restore-to.sh", str(self._archive), target, str(folder / "cluster"))
        self._server_folder = folder
        self.server = PostgresServer(folder, port=self.port)
        self.server.start(timeout_s=_START_S)
        deadline = time.monotonic() + _START_S
        while self.server.sql("select pg_is_in_recovery()") == "t":
            if time.monotonic() > deadline:
                raise EmbeddedError(f"the server still recovers after {_START_S:.0f} s")
            time.sleep(0.1)

    def _run(self, script: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        path = f"{self._binaries.folder / 'bin'}:/usr/bin:/bin"
        launch = Launch(
            [str(self._scripts / script), *arguments],
            {"PATH": path, **(environment or {})},
            folder=self._archive,
            account=self._account,
        )
        finished = subprocess.run(
            launch.argv, capture_output=True, timeout=300, check=False, **launch.popen_options()
        )
        if finished.returncode != 0:
            raise EmbeddedError(f"{script} failed:\n{finished.stderr.decode(errors='replace')[-2000:]}")
