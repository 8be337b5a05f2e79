"""A PostgreSQL server of our own: loopback only, passwords for everyone, our direct child."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from crossdock_cli.embedded.credentials import Credentials
from crossdock_cli.embedded.databases import DatabaseUrls, ServiceDatabases
from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import (
    CLEAN_ENVIRONMENT,
    LOOPBACK,
    Account,
    Launch,
    account_for,
    first_unreachable,
    free_port,
    log_tail,
    refuse_taken_port,
)
from crossdock_cli.embedded.postgres_binaries import PostgresBinaries, binaries_for
from crossdock_cli.embedded.supervisor import Child

ADMIN = "crossdock_admin"
SERVICES = ("order", "inventory", "shipping", "notify")

_STEP_S = 0.02

#: What every server of ours has.
_ALWAYS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # short statements only; compiling costs more than it saves
    # Values reach the log neither as parameters nor as "Key (email)=(...) already exists".
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}

#: What an operations team would set for a server of this size.
_FOR_USE: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "pglz",  # the wheel is built without lz4 and zstd
    "random_page_cost": "1.1",  # solid-state disks
    "shared_preload_libraries": "pg_stat_statements",
    "track_io_timing": "on",
    "log_min_duration_statement": "1s",
    "log_lock_waits": "on",
    "autovacuum_naptime": "10s",  # queue tables fill with dead rows within seconds
}

#: A throw-away server: survives its own crash (commits stay synchronous) but not the machine's.
_FOR_TESTS: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "max_wal_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_preload_libraries": "",
}


class PostgresServer:
    """One PostgreSQL cluster in a data folder of ours, and the process that serves it.

    The folder holds `cluster/` (the data), `credentials.json` (0600), `postgres.log` and perhaps a copy of
    the binaries. PostgreSQL refuses to run as root; started by root it runs as `run_as`, which then owns
    `cluster/` and must be able to pass through the folders above. Permissions above are never changed.
    """

    def __init__(
        self, data_folder: Path, *, port: int | None = None, for_tests: bool = False, run_as: str = "nobody"
    ) -> None:
        """Nothing runs yet. `port` None: a free one. `for_tests`: fast, small, lost with the machine."""
        self._folder = data_folder.resolve()
        self._cluster = self._folder / "cluster"
        self._log = self._folder / "postgres.log"
        self._for_tests = for_tests
        self._account: Account | None = account_for(run_as) if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port or free_port()

    # -- the data folder

    def prepare(self) -> None:
        """Make or check the data folder, so that `launch` can be started. Safe to repeat.

        Raises EmbeddedError for a folder that is not ours, of another major version, out of the
        account's reach, or in use by a running server.
        """
        self._check_reach()
        self._check_contents()
        missing = [path for path in (self._folder, *self._folder.parents) if not path.exists()]
        for path in [*reversed(missing), self._folder]:
            path.mkdir(mode=0o700, exist_ok=True)
            if self._account is not None:
                path.chmod(0o711)  # ours; the account passes through to cluster/ and reads nothing else
        if not self._cluster.exists():
            self._init_cluster()
        self._check_major()
        self._clear_leftovers()

    def launch(self) -> Launch:
        """Return the postmaster to start, in the foreground."""
        settings = {**_ALWAYS, **(_FOR_TESTS if self._for_tests else _FOR_USE), "port": str(self.port)}
        return Launch(
            argv=[
                self._binaries().program("postgres"),
                "-D",
                str(self._cluster),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            account=self._account,
            folder=self._cluster,
            stop_signal=signal.SIGINT,  # "fast": end the sessions, write a checkpoint
            death_signal=signal.SIGINT,
        )

    def _binaries(self) -> PostgresBinaries:
        return binaries_for(self._account, self._folder / "binaries")

    def _credentials(self) -> Credentials:
        return Credentials(self._folder / "credentials.json")

    def _check_reach(self) -> None:
        if self._account is None:
            return
        closed = first_unreachable(self._folder.parent, self._account)
        if closed is not None:
            raise EmbeddedError(
                f"PostgreSQL does not run as root, and as user {self._account.name!r} it cannot reach "
                f"{self._folder}: {closed} is closed to others. Choose a data folder that others may "
                "pass through, such as /var/lib/crossdock, or start as an ordinary user"
            )

    def _check_contents(self) -> None:
        if self._folder.exists() and not self._folder.is_dir():
            raise EmbeddedError(f"{self._folder} is a file; choose another data folder")
        names = {path.name for path in self._folder.iterdir()} if self._folder.exists() else set()
        if "cluster" in names and "credentials.json" not in names:
            raise EmbeddedError(
                f"{self._folder} holds a cluster without its credentials.json; "
                "restore that file, or delete the folder to begin anew"
            )
        if names and "credentials.json" not in names:
            raise EmbeddedError(
                f"{self._folder} is not empty and was not made by crossdock; choose an empty or new folder"
            )

    def _check_major(self) -> None:
        file = self._cluster / "PG_VERSION"
        major = file.read_text(encoding="ascii").strip() if file.is_file() else "none"
        if major != self._binaries().major:
            raise EmbeddedError(
                f"{self._cluster} was made by PostgreSQL {major}, installed is {self._binaries().major}: "
                f"dump it with that version and load it here, or delete {self._folder} to begin anew"
            )

    def _init_cluster(self) -> None:
        # Renamed when complete: a crash half-way leaves no cluster.
        partial = self._folder / "cluster.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        password = self._credentials().password(ADMIN)
        if self._account is not None:
            os.chown(partial, self._account.uid, self._account.gid)
        reader, writer = os.pipe()  # the password goes neither into an argument list nor into another file
        try:
            if self._account is not None:
                os.chown(reader, self._account.uid, self._account.gid)
            os.write(writer, password.encode() + b"\n")
            os.close(writer)
            launch = Launch(
                argv=[
                    self._binaries().program("initdb"),
                    f"--pgdata={partial}",
                    f"--username={ADMIN}",
                    f"--pwfile=/dev/fd/{reader}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",  # the same order of text on every machine
                    "--builtin-locale=C.UTF-8",
                    "--locale=C",
                    "--no-instructions",
                    *(["--no-sync", "--no-data-checksums"] if self._for_tests else []),
                ],
                account=self._account,
                folder=partial,
            )
            finished = subprocess.run(  # noqa: S603  our own binary and arguments
                launch.argv,
                pass_fds=[reader],
                capture_output=True,
                timeout=120,
                check=False,
                **launch.popen_options(),
            )
        finally:
            os.close(reader)
        if finished.returncode != 0:
            raise EmbeddedError(
                f"initdb failed in {partial}:\n{finished.stderr.decode(errors='replace')[-4000:]}"
            )
        (partial / "pg_hba.conf").write_text(f"host all all {LOOPBACK}/32 scram-sha-256\n", encoding="ascii")
        partial.rename(self._cluster)

    def _clear_leftovers(self) -> None:
        """Let the processes of a killed or stopping server end, and drop a pid file that names a stranger."""
        pid_file = self._cluster / "postmaster.pid"
        deadline = time.monotonic() + 10
        while living := list(_processes_in(self._cluster)):
            postmaster, is_stopping = _postmaster(pid_file)
            if postmaster in living and not is_stopping:
                raise EmbeddedError(
                    f"another PostgreSQL (process {postmaster}) serves {self._cluster}; stop it first"
                )
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"processes {living} of an earlier server still use {self._cluster}; end them"
                )
            time.sleep(_STEP_S)
        if Path("/proc/self/cwd").exists():  # else nobody looked, and PostgreSQL judges the file itself
            pid_file.unlink(missing_ok=True)

    # -- the process

    @property
    def pid(self) -> int:
        """The running postmaster, for signals of a test's own; 0 when there is none."""
        return self._process.pid if self._process is not None and self._process.poll() is None else 0

    def as_child(self) -> Child:
        """Return this server for a supervisor that keeps it alive, in place of `start` and `stop`."""

        def prepare_and_launch() -> Launch:
            self.prepare()
            return self.launch()

        async def is_ready() -> bool:
            return await asyncio.to_thread(self.is_ready)

        return Child("postgres", prepare_and_launch, is_ready, ready_timeout_s=120, stop_timeout_s=30)

    def start(self, *, timeout_s: float = 120) -> None:
        """Start the server and wait until it accepts connections, through crash recovery where needed.

        Raises EmbeddedError, with the end of the server's log, when it ends or takes longer.
        """
        if self.pid:
            raise EmbeddedError("this server runs already")
        refuse_taken_port(self.port, "PostgreSQL")
        self.prepare()
        launch = self.launch()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own binary and arguments
                launch.argv, stdout=log, stderr=subprocess.STDOUT, **launch.popen_options()
            )
        deadline = time.monotonic() + timeout_s
        try:
            while not self.is_ready():
                if self._process.poll() is not None:
                    raise EmbeddedError(f"PostgreSQL ended while starting:\n{log_tail(self._log)}")
                if time.monotonic() > deadline:
                    raise EmbeddedError(
                        f"PostgreSQL accepts nobody after {timeout_s} s:\n{log_tail(self._log)}"
                    )
                time.sleep(_STEP_S)
        except BaseException:
            self.kill()
            raise

    def is_ready(self) -> bool:
        """Whether the server accepts connections now: not while it starts or recovers."""
        finished = subprocess.run(  # noqa: S603  our own binary and arguments
            [self._binaries().program("pg_isready"), "-q", "-h", LOOPBACK, "-p", str(self.port), "-t", "3"],
            env=dict(CLEAN_ENVIRONMENT),
            check=False,
        )
        return finished.returncode == 0

    def stop(self, *, timeout_s: float = 30) -> None:
        """End the sessions and the server ("fast"), at once ("immediate") when that takes too long."""
        process, self._process = self._process, None
        if process is None:
            return
        for number, patience_s in ((signal.SIGINT, timeout_s), (signal.SIGQUIT, 10)):
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(patience_s)
                return
        process.kill()
        process.wait()

    def kill(self) -> None:
        """End the postmaster as a crash would (SIGKILL); its sessions notice and end."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    # -- what is in it

    def sql(self, script: str, *, database: str = "postgres") -> str:
        """Run a script of statements as the superuser, stop at the first error, return psql's bare output.

        Raises EmbeddedError with the server's message.
        """
        finished = subprocess.run(  # noqa: S603  our own binary and arguments
            [
                *(self._binaries().program("psql"), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"),
                *("--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse", "--file=-"),
                *(f"--host={LOOPBACK}", f"--port={self.port}", f"--username={ADMIN}", f"--dbname={database}"),
            ],
            input=script.encode(),
            env={
                **CLEAN_ENVIRONMENT,
                "PGPASSWORD": self._credentials().password(ADMIN),
                # A failed statement may hold a password: it stays out of the server's log.
                "PGOPTIONS": "-c log_min_error_statement=panic -c log_min_duration_statement=-1",
                "PGCONNECT_TIMEOUT": "10",
            },
            capture_output=True,
            timeout=300,
            check=False,
        )
        if finished.returncode != 0:
            raise EmbeddedError(
                f"PostgreSQL refused: {finished.stderr.decode(errors='replace').strip()[-2000:]}"
            )
        return finished.stdout.decode().strip()

    @property
    def databases(self) -> ServiceDatabases:
        """The databases and roles in this server."""
        return ServiceDatabases(self.sql, self._credentials(), f"{LOOPBACK}:{self.port}")

    def ensure_service_databases(self, services: Iterable[str] = SERVICES) -> dict[str, DatabaseUrls]:
        """Give every service its database and its two roles, and return their URLs. Safe to repeat."""
        databases = self.databases
        urls: dict[str, DatabaseUrls] = {}
        for service in services:
            databases.ensure_roles(service)
            databases.ensure_database(f"crossdock_{service}", service)
            urls[service] = databases.urls(f"crossdock_{service}", service)
        return urls


def _processes_in(folder: Path) -> Iterator[int]:
    """Yield the processes that work in a cluster's folder: postmaster and sessions all do (Linux only)."""
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):  # it ended meanwhile, or is a stranger's
            if link.readlink() == folder:
                yield int(link.parent.name)


def _postmaster(pid_file: Path) -> tuple[int, bool]:
    """Return the process a pid file names, 0 for none, and whether it says that it is stopping.

    Its first line is the process, its eighth the status (PostgreSQL 18, utils/pidfile.h, read 2026-11-21).
    """
    with suppress(OSError, ValueError, IndexError):
        lines = pid_file.read_text(encoding="ascii").splitlines()
        return int(lines[0]), len(lines) > 7 and lines[7].strip() == "stopping"
    return 0, False
