"""`make verify-observability`: the real collector and Prometheus with the real configuration.

They run beside the whole system while orders go through it. What was seen is printed; exit code 1 when
anything is missing. Names of hosts in the configuration become one loopback address; nothing else is changed.
In Alertmanager's place is what remembers the alerts: Debian's binary wants its templates below /usr.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from crossdock_cli.demo.run import Run
from crossdock_cli.stack.run import StackOptions
from crossdock_cli.stack.services import SERVICES

from .queries import panel_queries
from .running import after_a_day_of_orders, telemetry_on
from .sink import Sink, sink

ROOT: Final = Path(__file__).parents[2]
TOOLS: Final = ROOT / ".tools"
DEPLOY: Final = ROOT / "deploy"
#: An address of its own, so that the ports of the configuration can stay as they are.
HOST: Final = "127.77.0.1"
HOSTS: Final = ("collector", "alertmanager", "localhost")
TRACES_PORT, ALERTS_PORT = 4999, 9093
PATIENCE_S: Final = 240
ORDERS: Final = 60
#: A delivery that nobody can read is among the day's orders.
RIGHTLY_FIRING: Final = {"Watchdog", "MessagesFailed"}

#: Every process shows these once it has done anything; role -> a metric of it.
ROLES: Final = {
    "api": "http_server_request_duration_seconds_count",
    "consume": "crossdock_consumer_records_total",
    "relay": "crossdock_relay_rows_sent_total",
    "work": "crossdock_outbox_rows",
}
#: Who continues a trace in whose span: the flow of an order.
EDGES: Final = (
    ("order", "inventory"),
    ("order", "shipping"),
    ("order", "notify"),
    ("inventory", "order"),
    ("inventory", "shipping"),
    ("shipping", "order"),
    ("shipping", "inventory"),
    ("shipping", "notify"),
)


async def verify() -> bool:
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-verify-") as folder,
        sink(HOST, TRACES_PORT) as traces,
        sink(HOST, ALERTS_PORT) as alertmanager,
    ):
        async with AsyncExitStack() as running, httpx.AsyncClient(trust_env=False, timeout=20) as client:
            for command, environment in _commands(Path(folder), traces):
                await running.enter_async_context(_process(command, environment))
            options = StackOptions(environment=telemetry_on(f"http://{HOST}:4318"))
            async with after_a_day_of_orders(options, Run.new(ORDERS, 1)):
                checks = _checks(client, traces, alertmanager)
                return await _all_hold(checks)


def _commands(folder: Path, traces: Sink) -> Sequence[tuple[Sequence[str], Mapping[str, str]]]:
    """The collector and Prometheus as they are started in a deployment."""
    (folder / "rules").symlink_to(DEPLOY / "observability" / "rules")
    text = (DEPLOY / "observability" / "prometheus.yaml").read_text()
    for host in HOSTS:
        text = text.replace(f"[{host}:", f"[{HOST}:")
    (folder / "prometheus.yaml").write_text(text)
    collector = [str(TOOLS / "collector/build/otelcol"), "--config", str(DEPLOY / "otel/collector.yaml")]
    prometheus = [
        *(str(TOOLS / "usr/bin/prometheus"), f"--config.file={folder}/prometheus.yaml"),
        *(f"--web.listen-address={HOST}:9090", f"--storage.tsdb.path={folder}/data", "--log.level=warn"),
    ]
    return (
        (collector, {"OTEL_LISTEN_HOST": HOST, "OTEL_TRACES_ENDPOINT": traces.url}),
        (prometheus, {}),
    )


@asynccontextmanager
async def _process(command: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *command, env={"PATH": os.environ["PATH"], **environment}, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


Check = Callable[[], Any]


async def _ask(client: httpx.AsyncClient, path: str, **parameters: str) -> Any:
    answer = await client.get(f"http://{HOST}:9090/api/v1/{path}", params=parameters)
    content = answer.json()
    if content["status"] != "success":
        raise ValueError(content["error"])
    return content["data"]


def _checks(client: httpx.AsyncClient, traces: Sink, alertmanager: Sink) -> Mapping[str, Check]:
    """What has to hold -> asks for it: what is missing, and how many there are."""

    async def targets() -> tuple[list[str], int]:
        found = (await _ask(client, "targets"))["activeTargets"]
        return [f"{one['scrapeUrl']}: {one['lastError']}" for one in found if one["health"] != "up"], len(
            found
        )

    async def rules() -> tuple[list[str], int]:
        found = [rule for group in (await _ask(client, "rules"))["groups"] for rule in group["rules"]]
        return [f"{one['name']}: {one.get('lastError')}" for one in found if one["health"] != "ok"], len(
            found
        )

    async def metrics() -> tuple[list[str], int]:
        wanted = {(service, role) for service in SERVICES for role in ROLES}
        found = set()
        for role, metric in ROLES.items():
            data = await _ask(client, "query", query=f"count by (job) ({metric})")
            found |= {(one["metric"]["job"], role) for one in data["result"]}
        return [f"no metrics of {service} {role}" for service, role in sorted(wanted - found)], len(wanted)

    async def panels() -> tuple[list[str], int]:
        asked = [
            (f"{file.stem}: {panel}", query)
            for file in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
            for panel, query in panel_queries(file)
        ]
        missing = [name for name, query in asked if not (await _ask(client, "query", query=query))["result"]]
        return missing, len(asked)

    async def spans() -> tuple[list[str], int]:
        seen = traces.spans()
        owner = {one.span_id: one.service for one in seen}
        edges = {(owner.get(one.parent_id), one.service) for one in seen}
        return [
            f"no span of {below} below one of {above}"
            for above, below in EDGES
            if (above, below) not in edges
        ], len(seen)

    async def alarms() -> tuple[list[str], int]:
        told = [body for body in alertmanager.of("/api/v2/alerts") if b'"Watchdog"' in body]
        data = await _ask(client, "query", query='count by (alertname) (ALERTS{alertstate="firing"})')
        firing = {one["metric"]["alertname"] for one in data["result"]}
        wrong = [f"{name} fires" for name in firing - RIGHTLY_FIRING]
        return [*wrong, *([] if told else ["the watchdog was not told"])], len(told)

    return {
        "targets that are up": targets,
        "rules that evaluate": rules,
        "roles of services with metrics": metrics,
        "panel queries with data": panels,
        "spans, with every edge between services": spans,
        "watchdogs told, and no other alert": alarms,
    }


async def _all_hold(checks: Mapping[str, Check]) -> bool:
    """Ask until all hold, or patience ends; then print what was seen."""
    began = asyncio.get_running_loop().time()
    while True:
        seen = {name: await _outcome(check) for name, check in checks.items()}
        waited_s = asyncio.get_running_loop().time() - began
        holds = not any(missing for missing, _ in seen.values())
        if holds or waited_s > PATIENCE_S:
            break
        await asyncio.sleep(5)
    for name, (missing, count) in seen.items():
        print(f"{'ok     ' if not missing else 'MISSING'} {count:5d} {name}")
        for one in missing:
            print(f"              {one}")
    print(f"{waited_s:.0f} s after the last of {ORDERS} orders")
    return holds


async def _outcome(check: Check) -> tuple[list[str], int]:
    try:
        outcome: tuple[list[str], int] = await check()
    except (httpx.HTTPError, ValueError) as error:
        return [f"{type(error).__name__}: {error}"], 0
    return outcome


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(verify()) else 1)
