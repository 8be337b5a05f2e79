"""An engine, the images and the compose file for `running.py`; other tests ask for none of it.

IMAGES_FOLDER keeps what a next run need not make again.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossdock_cli.embedded.kafka_jars import default_jar_cache, kafka_jars
from crossdock_cli.stack.services import SERVICES

from .compose_files import LAPTOP

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "deploy" / "images"
STANDINS = Path(__file__).parent / "standins"
FOLDER = Path(os.environ.get("IMAGES_FOLDER", "/var/tmp/crossdock-images"))
IMAGES = (*(f"{service}-service" for service in SERVICES), "sandbox", "cli")


class Engine:
    """A Docker engine of this run alone."""

    def __init__(self, folder: Path) -> None:
        self.docker = str(folder / "docker")

    def run(
        self, *words: str, given: str | None = None, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        finished = subprocess.run(
            [self.docker, *words],
            input=given,
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
