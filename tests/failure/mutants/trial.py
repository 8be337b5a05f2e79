"""One run of some tests against one patched copy, and what it says about the patch."""

import asyncio
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from .copy import DoesNotApply, unpack
from .witness import REPORT

#: Of one run, seconds. What hangs that long under a mutant has noticed it, too.
LIMIT_S = 300.0
_TEST_LIMIT_S = 60


class Verdict(StrEnum):
    """`broken`: the run says nothing. Neither a survivor nor a kill, and an error all the same."""

    PASSED = "passed"
    FAILED = "failed"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Trial:
    """`by`: the first test that failed, or why the run says nothing."""

    verdict: Verdict
    by: str
    seconds: float
    passed: int = 0
    recorded: Mapping[str, int] = field(default_factory=dict)


async def run_trial(tree: bytes, patches: Sequence[bytes], tests: Sequence[str]) -> Trial:
    """Copy, patch, test until the first failure, and tidy up, also when it is cancelled."""
    began = time.monotonic()
    folder = _room()
    try:
        python = await asyncio.to_thread(unpack, tree, folder / "tree", patches)
        return await _test(folder, python, tests, began)
    except DoesNotApply as error:
        return Trial(Verdict.BROKEN, f"the patch does not apply: {error}", time.monotonic() - began)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _room() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="crossdock-mutant-"))
    folder.chmod(0o711)  # tests drop to an ordinary user for PostgreSQL, which has to get through
    return folder


async def _test(folder: Path, python: Path, tests: Sequence[str], began: float) -> Trial:
    report, output = folder / "report.json", folder / "output"
    command = [
        *(str(python), "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider"),
        *("-p", "tests.failure.mutants.witness", f"--timeout={_TEST_LIMIT_S}", *tests),
    ]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # Not the working tree's byte code, and none that a patch of the same second and size could hide behind.
    environment |= {REPORT: str(report), "PYTHONDONTWRITEBYTECODE": "1"}
    with output.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder / "tree",
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(LIMIT_S):
                await process.wait()
        except TimeoutError:
            return Trial(Verdict.FAILED, f"nothing ended within {LIMIT_S:.0f} s", time.monotonic() - began)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return _judge(report, output, time.monotonic() - began)


def _judge(report: Path, output: Path, seconds: float) -> Trial:
    try:
        said = json.loads(report.read_text())
    except (OSError, ValueError):
        return Trial(Verdict.BROKEN, f"pytest did not run: {_tail(output)}", seconds)
    if said["foreign"]:
        return Trial(Verdict.BROKEN, f"other sources ran: {', '.join(said['foreign'][:3])}", seconds)
    if said["failed"]:
        return Trial(Verdict.FAILED, said["failed"][0], seconds, said["passed"])
    if said["broken"]:
        return Trial(Verdict.BROKEN, f"could not be set up: {said['broken'][0]}: {_tail(output)}", seconds)
    if not said["passed"]:
        return Trial(Verdict.BROKEN, f"no test ran: {_tail(output)}", seconds)
    return Trial(Verdict.PASSED, "", seconds, said["passed"], said["recorded"])


def _tail(output: Path) -> str:
    return " / ".join(output.read_text(errors="replace").splitlines()[-8:])
