"""The images are made, looked into and run as they are meant to be: `make verify-images`.

Takes a Linux machine, root, mmdebstrap, Java's Maven and minutes; `make test` leaves it alone by its name.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from pkgutil import walk_packages

import pytest
from babel.localedata import locale_identifiers

from crossdock_cli.embedded.topics import load_topics
from crossdock_cli.stack.services import SERVICES

from .archives import digest, layer_sizes
from .conftest import FOLDER, IMAGES, ROOT, Engine, script

INSIDE = Path(__file__).parent / "inside"
MOST_BYTES = 235_000_000
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

every_image = pytest.mark.parametrize("name", IMAGES)
every_service = pytest.mark.parametrize("service", SERVICES)


# -- one by one


@every_image
def test_an_image_is_small(archives: dict[str, Path], name: str) -> None:
    size = sum(layer_sizes(archives[name]))

    print(f"\n{name}: {size / 1e6:.0f} MB unpacked, {archives[name].stat().st_size / 1e6:.0f} MB packed")
    assert size <= MOST_BYTES


@pytest.mark.parametrize("name", ["order-service", "sandbox"])
def test_the_same_input_gives_the_samedigest(
    archives: dict[str, Path], bases: dict[str, str], name: str
) -> None:
    for source in (ROOT / "deploy").rglob("src/**/__main__.py"):
        source.touch()  # when a file was checked out is no input

    script("build", str(FOLDER / "again"), name, NO_CACHE="1", **bases)

    assert digest(FOLDER / "again" / f"{name}.tar") == digest(archives[name])


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


@every_image
def test_every_module_in_an_image_can_be_imported_and_none_is_there_for_tests(
    engine: Engine, archives: dict[str, Path], name: str
) -> None:
    listed = _printed_inside(engine, name, "modules")

    assert set(listed.split()) == _modules_of(name)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("notify-service", locale_identifiers()), ("shipping-service", []), ("sandbox", [])],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_was_taken_out_of_the_packages_is_missed_by_nobody(
    engine: Engine, archives: dict[str, Path], name: str, arguments: Sequence[str]
) -> None:
    program = name.replace("-", "_")
    in_the_checkout = subprocess.run(
        [sys.executable, "-", *arguments],
        input=(INSIDE / f"{program}.py").read_text(encoding="utf-8"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert _printed_inside(engine, name, program, *arguments) == in_the_checkout


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


def _printed_inside(engine: Engine, name: str, program: str, *arguments: str) -> str:
    """What a program of `inside` prints in a container of the image."""
    return engine.run(
        *("run", "--rm", "--interactive", *SECURED, "--entrypoint", "python", f"crossdock/{name}:local"),
        *("-", *arguments),
        given=(INSIDE / f"{program}.py").read_text(encoding="utf-8"),
    ).stdout


def _modules_of(name: str) -> set[str]:
    """The modules that the checkout has for an image, but for tests and what starts something."""
    [member] = [lock.parent for lock in ROOT.glob(f"*/{name}/requirements.lock")]
    libraries = [ROOT / "libs" / "contracts", ROOT / "libs" / "chassis"]
    members = [member, *libraries] if member.parent.name == "services" else [member]
    modules = [module.name for module in walk_packages([str(one / "src") for one in members])]
    left_out = {"tests", "testing", "__main__"}
    return {one for one in modules if not left_out & set(one.split("."))}
