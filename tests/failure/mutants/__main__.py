"""`python -m tests.failure.mutants`: try every seeded bug, and say which test noticed it."""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .catalogue import BadHeader, Mutant, Pair, read_mutants, read_pairs
from .copy import archive
from .trial import Trial, Verdict, run_trial


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. `good`: noticed, or for a guard taken away alone: covered by the others."""

    name: str
    invariant: str
    good: bool
    outcome: str
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """0: the tests are green without a patch and notice every mutant. 1: they do not.

    2: wrong arguments. 130: broken off; nothing is left behind.
    """
    given = _arguments(arguments)
    try:
        mutants = read_mutants()
        pairs = read_pairs(mutants)
    except BadHeader as error:
        print(error, file=sys.stderr)
        return 2
    if given.list:
        for one in mutants:
            print(f"{one.name}  [{one.invariant}]\n    {one.breaks}\n    {' '.join(one.tests)}")
        for pair in pairs:
            print(f"{pair.name}  [{pair.invariant}]\n    {' and '.join(pair.guards)}\n    {pair.test}")
        return 0
    if given.only:
        mutants = [one for one in mutants if _chosen(one.name, given.only)]
        pairs = [one for one in pairs if _chosen(one.name, given.only)]
        if not mutants and not pairs:
            print(f"no mutant or pair has any of {', '.join(given.only)} in its name", file=sys.stderr)
            return 2
    began = time.monotonic()
    try:
        results = asyncio.run(_run(mutants, pairs, given.jobs))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("broken off", file=sys.stderr)
        return 130
    _show(results, time.monotonic() - began)
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(one) for one in results], indent=2) + "\n")
    return 0 if all(one.good for one in results) else 1


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.failure.mutants",
        description="Put known bugs into copies of the committed tree, one by one, and see that tests fail.",
        epilog="Ends with 1 when a mutant survives, a patch does not apply, or tests are red without any.",
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only those with one of these in the name")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="at a time (2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    given = parser.parse_args(arguments)
    if given.jobs < 1:
        parser.error("--jobs is at least 1")
    return given


def _chosen(name: str, only: Iterable[str]) -> bool:
    return any(one in name for one in only)


async def _run(mutants: Sequence[Mutant], pairs: Sequence[Pair], jobs: int) -> list[Result]:
    stop = asyncio.current_task()
    if stop is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.cancel)
    tree = archive()
    at_once = asyncio.Semaphore(jobs)
    tests = sorted({test for one in mutants for test in one.tests} | {one.test for one in pairs})
    baseline = [_baseline(tree, tests[first::jobs]) for first in range(min(jobs, len(tests)))]
    results = await _all(baseline, at_once)
    if not all(one.good for one in results):
        return results
    rest: list[Coroutine[None, None, Result]] = [_kill(tree, one) for one in mutants]
    for pair in pairs:
        rest += [_cover(tree, pair, guard) for guard in pair.guards]
        rest.append(_break(tree, pair))
    return [*results, *await _all(rest, at_once)]


async def _all(todo: Sequence[Coroutine[None, None, Result]], at_once: asyncio.Semaphore) -> list[Result]:
    done = 0

    async def one_of(work: Coroutine[None, None, Result]) -> Result:
        nonlocal done
        async with at_once:
            result = await work
        done += 1
        print(f"[{done:2}/{len(todo)}] {_line(result)}", flush=True)
        return result

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one_of(work)) for work in todo]
    return [task.result() for task in tasks]


async def _baseline(tree: bytes, tests: Sequence[str]) -> Result:
    trial = await run_trial(tree, (), _wide(tests))
    return _result("without a patch", "", trial, Verdict.PASSED, lambda: f"{trial.passed} tests are green")


async def _kill(tree: bytes, mutant: Mutant) -> Result:
    trial = await run_trial(tree, [mutant.patch], mutant.tests)
    return _result(
        mutant.name, mutant.invariant, trial, Verdict.FAILED, lambda: f"killed by {_short(trial.by)}"
    )


async def _cover(tree: bytes, pair: Pair, guard: str) -> Result:
    """Take one guard away: the others have to do its work, and to be seen doing it."""
    trial = await run_trial(tree, [pair.guards[guard].patch], [pair.test])
    name = f"{pair.name}: without {guard}"
    others = {other: trial.recorded.get(other, 0) for other in pair.guards if other != guard}
    if trial.verdict is Verdict.PASSED and not all(others.values()):
        idle = ", ".join(other for other, times in others.items() if not times)
        return Result(name, pair.invariant, False, f"{idle} was not seen to be needed", trial.seconds)
    shown = ", ".join(f"{other} {times}" for other, times in others.items())
    return _result(name, pair.invariant, trial, Verdict.PASSED, lambda: f"covered by {shown}")


async def _break(tree: bytes, pair: Pair) -> Result:
    trial = await run_trial(tree, [one.patch for one in pair.guards.values()], [pair.test])
    name = f"{pair.name}: without any"
    return _result(name, pair.invariant, trial, Verdict.FAILED, lambda: f"killed by {_short(trial.by)}")


def _result(name: str, invariant: str, trial: Trial, wanted: Verdict, good: Callable[[], str]) -> Result:
    if trial.verdict is wanted:
        return Result(name, invariant, True, good(), trial.seconds)
    outcome = {
        Verdict.PASSED: f"SURVIVED {trial.passed} tests",
        Verdict.FAILED: f"RED: {trial.by}",
        Verdict.BROKEN: f"BROKEN: {trial.by}",
    }
    return Result(name, invariant, False, outcome[trial.verdict], trial.seconds)


def _wide(tests: Sequence[str]) -> list[str]:
    """Without the tests that run with a folder or file that is named, too: pytest would run them twice."""
    return [one for one in tests if not any(one != other and _holds(other, one) for other in tests)]


def _holds(outer: str, inner: str) -> bool:
    return inner.startswith((f"{outer.rstrip('/')}/", f"{outer}::"))


def _short(test: str) -> str:
    return test.rpartition("::")[2]


def _line(result: Result) -> str:
    return f"{result.name:<52} {result.invariant:<15} {result.seconds:5.1f} s  {result.outcome}"


def _show(results: Sequence[Result], seconds: float) -> None:
    print()
    for one in results:
        print(_line(one))
    bad = sum(not one.good for one in results)
    print(f"\n{len(results)} runs in {seconds:.0f} s, {bad or 'none'} of them bad")


if __name__ == "__main__":
    sys.exit(main())
