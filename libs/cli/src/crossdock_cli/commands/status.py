"""`crossdock status`."""

import asyncio
import time
from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live

from crossdock_cli.api import Api
from crossdock_cli.commands.options import AsJson, talk, target
from crossdock_cli.demo.books import work_of
from crossdock_cli.errors import NotRunning
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.record import read_record
from crossdock_cli.stack.services import SERVICES
from crossdock_cli.terminal import out, print_json, table_of

ORDERS_COUNTED = 10_000


def status(
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again and again until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Processes, what waits in each service, and the orders by state."""
    if not watch:
        seen = talk(_look)
        if as_json:
            print_json(seen)
        else:
            out.print(_tables(seen))
        return
    with Live(console=out, auto_refresh=False) as live:
        while True:
            began = time.monotonic()
            seen = talk(_look)
            if as_json:
                print_json(seen)
            else:
                live.update(_tables(seen), refresh=True)
            time.sleep(max(0.2, 1.0 - (time.monotonic() - began)))


async def _look(api: Api) -> dict[str, Any]:
    record = read_record(DataFolder(target.data)) if target.url is None else None
    services, orders = await asyncio.gather(
        asyncio.gather(*(_service(api, name) for name in SERVICES)), _orders(api)
    )
    return {
        "processes": [] if record is None else record["processes"],
        "services": dict(zip(SERVICES, services, strict=True)),
        "orders": orders,
    }


async def _service(api: Api, name: str) -> dict[str, Any]:
    try:
        found = await api.get(name, "/v1/operations/status")
    except NotRunning:
        return {"answers": False}
    return {
        "answers": True,
        **asdict(work_of(found)),
        "epoch": found["log"]["epoch"],
        "oldest_in_outbox_s": found["outbox"]["oldest_age_s"],
        "jobs_by_kind": found["jobs"],
        "due_timers": found["timers"]["due"],
        "lag_s": max((one["lag_s"] or 0.0 for one in found["topics"]), default=0.0),
    }


async def _orders(api: Api) -> dict[str, int]:
    """By status, of the newest ten thousand."""
    try:
        listed = await api.items("order", "/v1/orders", at_most=ORDERS_COUNTED)
    except NotRunning:
        return {}
    return dict(Counter(one["status"] for one in listed))


def _tables(seen: dict[str, Any]) -> Group:
    processes = [
        [one["name"], one["state"], one["pid"], one["restarts"], one["at"], one["reason"]]
        for one in seen["processes"]
    ]
    services = [
        [
            name,
            "ok" if one["answers"] else "does not answer",
            *(
                one.get(what)
                for what in ("outbox", "lag_s", "lagging_topics", "jobs", "parked", "due_timers", "epoch")
            ),
        ]
        for name, one in seen["services"].items()
    ]
    return Group(
        table_of(["process", "state", "pid", "restarts", "since", ""], processes),
        "",
        table_of(
            ["service", "", "outbox", "lag s", "topics behind", "jobs", "parked keys", "due timers", "epoch"],
            services,
        ),
        "",
        table_of(["orders", ""], sorted(seen["orders"].items())),
    )
