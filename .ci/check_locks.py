"""Say what is wrong with the locks; exit 1 when anything is.

A lock pins each package with hashes, at one version across the repository; it holds whatever its
pyproject.toml asks for, in the range asked for; and it names no address, no path of a machine and no member.
"""

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
#: The only three shapes a line may have: a pin, one of its hashes, a remark without a path.
PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9.!+]+)(?: ; [^:/]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")
REMARK = re.compile(r" *(?:#[^/\\]*)?")


def check(lock: Path, asked: list[str], members: set[str], versions: dict[str, str]) -> list[str]:
    """Return the faults of one lock; `versions` collects what the locks before this one have pinned."""
    if not lock.exists():
        return ["is missing: run `make lock`"]
    faults: list[str] = []
    pinned: dict[str, str] = {}
    lines = lock.read_text().splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if pin := PIN.fullmatch(line):
            name, version = canonicalize_name(pin["name"]), pin["version"]
            pinned[name] = version
            if not HASH.fullmatch(following):
                faults.append(f"{name} has no hash")
            if name in members:
                faults.append(f"{name} is a member, not a dependency")
            if versions.setdefault(name, version) != version:
                faults.append(f"{name} is {version} here and {versions[name]} in another lock")
        elif not HASH.fullmatch(line) and not REMARK.fullmatch(line):
            faults.append(f"has a line of no known shape: {line.strip()}")
    for requirement in map(Requirement, asked):
        name = canonicalize_name(requirement.name)
        if name not in members and (
            name not in pinned or not requirement.specifier.contains(pinned[name], prereleases=True)
        ):
            locked = pinned.get(name, "nothing")
            faults.append(f"{requirement} is asked for, {locked} is locked: run `make lock`")
    return faults


def main() -> int:
    """Check every lock of the repository and print the faults."""
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked_by: dict[Path, list[str]] = {}
    names: set[str] = set()
    for pattern in root["tool"]["uv"]["workspace"]["members"]:
        for path in sorted(ROOT.glob(f"{pattern}/pyproject.toml")):
            project = tomllib.loads(path.read_text())["project"]
            names.add(project["name"])
            asked_by[path.parent] = project["dependencies"]

    locks = {
        ROOT / "requirements-tools.lock": root["dependency-groups"]["tools"],
        ROOT / "requirements.lock": [
            *root["dependency-groups"]["dev"],
            *(requirement for asked in asked_by.values() for requirement in asked),
        ],
    }
    for member, asked in asked_by.items():
        # Each of these is installed by itself somewhere; the other libraries only ever with a service.
        if member.parent.name == "services" or member.name in {"cli", "sandbox"}:
            locks[member / "requirements.lock"] = asked
    # What is installed apart from the members, or not installed at all.
    for apart in (ROOT / "tests" / "load" / "peers", ROOT / "deploy" / "verify"):
        lines = (apart / "requirements.in").read_text().splitlines()
        locks[apart / "requirements.lock"] = [line for line in lines if line and not line.startswith("#")]

    versions: dict[str, str] = {}
    faults = [
        f"{lock.relative_to(ROOT)}: {fault}"
        for lock, asked in locks.items()
        for fault in check(lock, asked, names, versions)
    ]
    print("\n".join([*faults, f"{len(locks)} locks, {len(versions)} packages, {len(faults)} faults"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
