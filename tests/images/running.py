"""The images are made, looked into and run as they are meant to be: `make verify-images`.

Takes a Linux machine, root, mmdebstrap, Java's Maven and minutes; `make test` leaves it alone by its name.
IMAGES_FOLDER keeps what a next run need not make again.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crossdock_cli.embedded.kafka_jars import default_jar_cache, kafka_jars
from crossdock_cli.embedded.topics import load_topics
from crossdock_cli.stack.services import SERVICES

from .compose_files import LAPTOP

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "deploy" / "images"
STANDINS = Path(__file__).parent / "standins"
FOLDER = Path(os.environ.get("IMAGES_FOLDER", "/var/tmp/crossdock-images"))
IMAGES = (*(f"{service}-service" for service in SERVICES), "sandbox", "cli")
MOST_BYTES = 250_000_000
DRAIN_S = 36.0
SECURED = (
    *("--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--tmpfs", "/tmp:noexec,nosuid,size=64m", "--memory", "256m", "--pids-limit", "128"),
)

#: What a container may do, told by itself.
LOOK_AROUND = """
import importlib.util, json, os, shutil

def writes(place):
    try:
        open(place + "/x", "w").close()
    except OSError:
        return False
    return True

tools = ("pip", "pip3", "uv", "gcc", "cc", "make", "strip", "apt", "curl")
modules = ("pip", "uv", "ensurepip", "crossdock_faults", "pytest")
print(json.dumps({
    "uid": os.getuid(),
    "gid": os.getgid(),
    "groups": os.getgroups(),
    "writes": [one for one in ("/", "/app", "/etc", "/opt/venv", "/tmp") if writes(one)],
    "tools": [one for one in tools if shutil.which(one)],
    "modules": [one for one in modules if importlib.util.find_spec(one)],
}))
"""

pytestmark = pytest.mark.timeout(1800)


class Engine:
    """A Docker engine of this run alone."""

    def __init__(self, folder: Path) -> None:
        self.docker = str(folder / "docker")

    def run(self, *words: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        finished = subprocess.run(
            [self.docker, *words],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"], **environment},
        )
        assert not check or finished.returncode == 0, finished.stderr[-3000:]
        return finished

    def compose(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        standins = {name: f"crossdock/{name}:standin" for name in ("postgres", "kafka")}
        images = {f"{name.upper()}_IMAGE": image for name, image in standins.items()}
        return self.run("compose", "--file", str(LAPTOP), *words, check=check, **images)


def script(name: str, *words: str, **environment: str) -> str:
    finished = subprocess.run(
        [SCRIPTS / name, *words],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return finished.stdout


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    script("engine", "start", str(FOLDER))
    yield Engine(FOLDER)
    script("engine", "stop", str(FOLDER))


@pytest.fixture(scope="session")
def bases(engine: Engine) -> dict[str, str]:
    """What `build` is told: the bases that were made here, and whom to trust on the way out."""
    made = script("base", str(FOLDER / "bases"), DOCKER=engine.docker)
    named = dict(word.split("=", 1) for word in made.split())
    return {**named, "DOCKER": engine.docker, "CA_FILE": str(FOLDER / "ca.crt")}


@pytest.fixture(scope="session")
def archives(bases: dict[str, str]) -> dict[str, Path]:
    """Every image as an OCI archive, loaded into the engine."""
    began = time.monotonic()
    script("build", str(FOLDER / "images"), **bases)
    print(f"\n{len(IMAGES)} images built in {time.monotonic() - began:.0f} s")
    return {name: FOLDER / "images" / f"{name}.tar" for name in IMAGES}


@pytest.fixture(scope="session")
def standins(engine: Engine) -> None:
    """Debian's PostgreSQL and Maven's Kafka under names that the compose file is given."""
    packages = {"postgres": "postgresql-17", "kafka": "openjdk-21-jre-headless"}
    for name, package in packages.items():
        tree = FOLDER / "bases" / f"{name}.tar"
        if not tree.exists():
            partial = tree.with_name(f"partial-{name}.tar")
            command = [
                "mmdebstrap",
                "--quiet",
                "--variant=essential",
                f"--include={package}",
                "trixie",
                str(partial),
            ]
            subprocess.run(command, check=True)
            partial.rename(tree)
        with tempfile.TemporaryDirectory(dir=FOLDER) as context:
            shutil.copytree(STANDINS / name, context, dirs_exist_ok=True)
            if name == "kafka":
                shutil.copytree(kafka_jars(default_jar_cache()), context, dirs_exist_ok=True)
            engine.run("import", str(tree), f"crossdock/{name}-base:trixie")
            engine.run(
                *("buildx", "build", "--quiet", "--network", "none", "--tag", f"crossdock/{name}:standin"),
                *("--build-arg", f"BASE_IMAGE=crossdock/{name}-base:trixie", context),
            )


@pytest.fixture(scope="session")
def stack(engine: Engine, archives: dict[str, Path], standins: None) -> Iterator[Engine]:
    """The compose file, up and healthy; gone with its data at the end."""
    began = time.monotonic()
    engine.compose("down", "--volumes")  # of a run that was broken off
    up = engine.compose("up", "--detach", "--wait", "--no-build", check=False)
    print(f"\nhealthy after {time.monotonic() - began:.0f} s")
    if up.returncode != 0:
        logs = engine.compose("logs", "--no-color", "--tail", "15").stdout
        engine.compose("down", "--volumes")
        pytest.fail(f"{up.stderr[-2000:]}\n{logs[-6000:]}")
    yield engine
    engine.compose("down", "--volumes")


every_image = pytest.mark.parametrize("name", IMAGES)
every_service = pytest.mark.parametrize("service", SERVICES)


# -- one by one


@every_image
def test_an_image_is_small(archives: dict[str, Path], name: str) -> None:
    size = sum(_layer_sizes(archives[name]))

    print(f"\n{name}: {size / 1e6:.0f} MB unpacked, {archives[name].stat().st_size / 1e6:.0f} MB packed")
    assert size <= MOST_BYTES


@pytest.mark.parametrize("name", ["order-service", "sandbox"])
def test_the_same_input_gives_the_same_digest(
    archives: dict[str, Path], bases: dict[str, str], name: str
) -> None:
    for source in (ROOT / "deploy").rglob("src/**/__main__.py"):
        source.touch()  # when a file was checked out is no input

    script("build", str(FOLDER / "again"), name, NO_CACHE="1", **bases)

    assert _digest(FOLDER / "again" / f"{name}.tar") == _digest(archives[name])


@every_image
def test_nobody_can_write_or_build_in_a_container(
    engine: Engine, archives: dict[str, Path], name: str
) -> None:
    seen = engine.run(
        "run", "--rm", *SECURED, "--entrypoint", "python", f"crossdock/{name}:local", "-c", LOOK_AROUND
    )

    assert json.loads(seen.stdout) == {
        "uid": 10001,
        "gid": 10001,
        "groups": [10001],
        "writes": ["/tmp"],
        "tools": [],
        "modules": [],
    }


@every_image
def test_an_image_tells_what_it_is(engine: Engine, archives: dict[str, Path], name: str) -> None:
    [image] = json.loads(engine.run("image", "inspect", f"crossdock/{name}:local").stdout)
    labels = image["Config"]["Labels"]
    helped = engine.run("run", "--rm", *SECURED, f"crossdock/{name}:local", "--help")

    assert labels["org.opencontainers.image.title"] == f"crossdock-{name}"
    assert re.fullmatch(r"[0-9a-f]{40}", labels["org.opencontainers.image.revision"])
    assert labels["org.opencontainers.image.created"] == image["Created"]
    assert image["Config"]["User"] == "10001:10001"
    assert "usage:" in helped.stdout.lower()


def test_wrong_settings_end_a_service_with_words_and_not_with_a_traceback(
    engine: Engine, archives: dict[str, Path]
) -> None:
    ended = engine.run("run", "--rm", *SECURED, "crossdock/order-service:local", check=False)

    assert ended.returncode == 2
    assert "ORDER_DATABASE_URL: is not set" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


@every_image
def test_the_bill_of_materials_names_what_was_locked_and_the_base(
    archives: dict[str, Path], name: str
) -> None:
    script("sbom", str(archives[name]), SYFT=str(ROOT / ".venv" / "bin" / "syft"))

    cyclonedx = json.loads(archives[name].with_suffix(".cyclonedx.json").read_text(encoding="utf-8"))
    spdx = json.loads(archives[name].with_suffix(".spdx.json").read_text(encoding="utf-8"))
    [lock] = ROOT.glob(f"*/{name}/requirements.lock")
    locked = set(re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE))
    found = {(one["name"].lower().replace("_", "-"), one.get("version")) for one in cyclonedx["components"]}
    assert {(name.replace("_", "-"), version) for name, version in locked} <= found
    assert "libc6" in {name for name, _ in found}
    assert len(spdx["packages"]) >= len(locked)


# -- all together


def test_everything_comes_up_as_nobody_and_read_only(stack: Engine) -> None:
    names = stack.compose("ps", "--all", "--format", "{{.Name}}").stdout.split()
    for one in json.loads(stack.run("inspect", *names).stdout):
        host, ours = one["HostConfig"], one["Config"]["Image"].endswith(":local")
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["Memory"] > 0
        assert host["PidsLimit"] > 0
        assert not one["State"]["OOMKilled"]
        assert one["State"]["Running"] or one["State"]["ExitCode"] == 0
        if ours:
            assert host["ReadonlyRootfs"]
            assert one["Config"]["User"] == "10001:10001"


def test_the_topics_are_those_of_the_list_and_no_other(stack: Engine) -> None:
    look = (
        "import asyncio; from aiokafka.admin import AIOKafkaAdminClient as A\n"
        "async def look():\n"
        "    admin = A(bootstrap_servers='kafka:9092'); await admin.start()\n"
        "    print(*await admin.list_topics()); await admin.close()\n"
        "asyncio.run(look())"
    )

    listed = stack.compose("run", "--rm", "--no-TTY", "--entrypoint", "python", "crossdock", "-c", look)

    assert set(listed.stdout.split()) - {"__consumer_offsets"} == {topic.name for topic in load_topics()}


def test_a_role_reaches_its_own_database_and_cannot_change_its_schema(stack: Engine) -> None:
    def psql(database: str, statement: str) -> subprocess.CompletedProcess[str]:
        url = f"postgresql://order_app:laptop-only@127.0.0.1/crossdock_{database}"
        return stack.compose("exec", "--no-TTY", "postgres", "psql", url, "-tAc", statement, check=False)

    assert psql("order", "select count(*) >= 0 from outbox").stdout.strip() == "t"
    assert "permission denied" in psql("order", "create table mine ()").stderr
    assert "permission denied" in psql("inventory", "select 1").stderr


def test_a_day_of_orders_leaves_everybodys_books_equal(stack: Engine) -> None:
    played = stack.compose(
        *("run", "--rm", "--no-TTY", "crossdock", "demo", "--orders", "30", "--patience", "180", "--json"),
        check=False,
    )

    assert played.returncode == 0, played.stdout[-3000:] + played.stderr[-1000:]
    print(f"\nthe demo took {json.loads(played.stdout)['seconds']:.0f} s")


@every_service
def test_a_service_ends_in_time_when_asked_and_comes_back(stack: Engine, service: str) -> None:
    began = time.monotonic()
    stack.compose("stop", service)
    took_s = time.monotonic() - began

    container = stack.compose("ps", "--all", "--quiet", service).stdout.strip()
    [state] = json.loads(stack.run("inspect", container).stdout)
    print(f"\n{service} ended after {took_s:.1f} s")
    assert state["State"]["ExitCode"] == 0
    assert took_s < DRAIN_S
    stack.compose("up", "--detach", "--wait", "--no-build", service)


def _index(archive: Path) -> tuple[tarfile.TarFile, dict[str, Any]]:
    tar = tarfile.open(archive)  # noqa: SIM115  handed on
    index = tar.extractfile("index.json")
    assert index is not None
    found: dict[str, Any] = json.load(index)
    return tar, found["manifests"][0]


def _digest(archive: Path) -> str:
    tar, manifest = _index(archive)
    tar.close()
    return str(manifest["digest"])


def _blob(tar: tarfile.TarFile, digest: str) -> bytes:
    file = tar.extractfile(f"blobs/{digest.replace(':', '/')}")
    assert file is not None
    content = file.read()
    assert hashlib.sha256(content).hexdigest() == digest.removeprefix("sha256:")
    return content


def _layer_sizes(archive: Path) -> list[int]:
    """Bytes of each layer's own tar archive: what it takes when it is unpacked, near enough."""
    tar, manifest = _index(archive)
    with tar:
        layers = json.loads(_blob(tar, manifest["digest"]))["layers"]
        return [len(gzip.decompress(_blob(tar, one["digest"]))) for one in layers]
