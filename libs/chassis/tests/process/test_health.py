"""Each probe is made red once for every reason it has."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from starlette.applications import Starlette

from crossdock_chassis.health import (
    LOOP_SILENT_S,
    NO_PROGRESS_S,
    START_PATIENCE_S,
    Health,
    add_health_routes,
)
from crossdock_chassis.loop_watch import TICK_S, LoopWatch


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeProbe:
    started: bool = True
    stalled: float = 0.0

    def stalled_s(self) -> float:
        return self.stalled


@dataclass
class Patient:
    """A process whose sicknesses the test chooses."""

    health: Health
    clock: Clock
    probe: FakeProbe
    task: asyncio.Task[None]
    client: httpx.AsyncClient
    database_answers: bool = True

    async def ask(self, path: str) -> tuple[int, list[str]]:
        answer = await self.client.get(path)
        return answer.status_code, answer.json()["reasons"]


@pytest.fixture
def takes_requests() -> bool:
    return False


@pytest.fixture
async def patient(takes_requests: bool) -> AsyncIterator[Patient]:
    async def answers() -> bool:
        return sick.database_answers

    clock, probe, app = Clock(), FakeProbe(), Starlette()
    health = Health(LoopWatch(clock=clock), answers, takes_requests=takes_requests, clock=clock)
    health.schema_current = health.started = True
    add_health_routes(app, health, None)
    task: asyncio.Task[None] = asyncio.create_task(asyncio.sleep(60))
    health.watch("consumer", task, probe)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://demo") as client:
        sick = Patient(health, clock, probe, task, client)
        yield sick
    task.cancel()


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz"])
async def test_a_healthy_process_is_green(patient: Patient, path: str) -> None:
    assert await patient.ask(path) == (200, [])


async def test_a_silent_event_loop_is_not_alive(patient: Patient) -> None:
    patient.clock.now += LOOP_SILENT_S + 0.1

    assert await patient.ask("/livez") == (503, ["the event loop is silent"])


async def test_a_loop_that_ticks_is_alive_however_long_it_runs() -> None:
    clock = Clock()
    watch = LoopWatch(clock=clock)
    running = asyncio.create_task(watch.run())
    clock.now += 3600
    assert watch.silent_s() == 3600

    await asyncio.sleep(2.5 * TICK_S)

    assert watch.silent_s() == 0
    running.cancel()


async def test_a_task_that_has_ended_is_not_alive(patient: Patient) -> None:
    patient.task.cancel()
    await asyncio.gather(patient.task, return_exceptions=True)

    assert await patient.ask("/livez") == (503, ["consumer has ended"])


async def test_work_without_progress_is_not_alive_while_the_database_answers(patient: Patient) -> None:
    patient.probe.stalled = NO_PROGRESS_S + 1
    assert await patient.ask("/livez") == (503, ["consumer makes no progress"])

    patient.database_answers = False
    assert await patient.ask("/livez") == (200, [])


async def test_a_pause_within_its_bound_is_alive(patient: Patient) -> None:
    patient.probe.stalled = NO_PROGRESS_S

    assert await patient.ask("/livez") == (200, [])


async def test_a_draining_process_is_alive_and_not_ready(patient: Patient) -> None:
    patient.health.draining = True
    patient.task.cancel()
    await asyncio.gather(patient.task, return_exceptions=True)

    assert await patient.ask("/readyz") == (503, ["draining"])
    assert await patient.ask("/livez") == (200, [])


async def test_a_process_that_has_not_started_is_neither_started_nor_ready(patient: Patient) -> None:
    patient.health.started = False

    assert await patient.ask("/startupz") == (503, ["starting"])
    assert await patient.ask("/readyz") == (503, ["starting"])


async def test_a_database_without_our_migrations_is_not_ready(patient: Patient) -> None:
    patient.health.schema_current = False

    assert await patient.ask("/readyz") == (503, ["the database lacks migrations"])


async def test_a_consumer_that_has_not_joined_holds_up_a_rollout_for_a_minute_at_most(
    patient: Patient,
) -> None:
    patient.probe.started = False
    assert await patient.ask("/readyz") == (503, ["consumer has not begun"])

    patient.clock.now += START_PATIENCE_S
    assert await patient.ask("/readyz") == (200, [])


@pytest.mark.parametrize("takes_requests", [True])
async def test_a_process_that_takes_requests_is_ready_without_its_consumer(patient: Patient) -> None:
    patient.probe.started = False

    assert await patient.ask("/readyz") == (200, [])
