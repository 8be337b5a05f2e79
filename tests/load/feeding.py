"""How accepted orders begin: a process that has them in its database, then hands all of them on."""

import asyncio
import json
import os
import resource
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from .accepted import Order


def tell_ready() -> None:
    """Whoever started this process waits for the file to be there."""
    Path(os.environ["BENCH_READY"]).touch()


async def feed(
    accept: Callable[[Sequence[Order]], Awaitable[None]], begin: Callable[[Order], Awaitable[object]]
) -> None:
    """Read the orders from standard input, one line, accept them and say so; when another line comes, begin
    all of them at once, and print when that was and the CPU time it took.
    """
    orders = [Order.from_json(one) for one in json.loads(sys.stdin.readline())]
    await accept(orders)
    print("accepted", flush=True)
    sys.stdin.readline()
    began, before = datetime.now(UTC), _cpu_s()
    await asyncio.gather(*(begin(order) for order in orders))
    json.dump({"began": began.isoformat(), "cpu_s": _cpu_s() - before}, sys.stdout)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
