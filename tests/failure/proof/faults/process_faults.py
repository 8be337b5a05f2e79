"""Processes that die, stand still, are restarted, starve, or run into their limits."""

import asyncio
import random
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from crossdock_cli.stack.services import SERVICES

from .kind import Kind, Scene

#: A consumer's session ends after 10 s without a heartbeat, a relay's lock after 10 s without a query.
LONGER_THAN_A_SESSION_S = 13.0
LONGER_THAN_A_LOCK_S = 13.0

CRASHES = (
    ("consume", "consumer.claimed"),
    ("consume", "consumer.handled_some"),
    ("consume", "consumer.before_commit"),
    ("consume", "consumer.after_commit"),
    ("relay", "relay.before_send"),
    ("relay", "producer.sent"),
    ("relay", "relay.after_ack"),
    ("relay", "relay.after_delete"),
    ("api", "intake.before_commit"),
    ("api", "intake.after_commit"),
    ("api", "http.before_answer"),
    ("work", "job.claimed"),
    ("work", "job.stored"),
    ("work", "carrier.created"),
    ("work", "carrier.sold"),
    ("work", "carrier.voided"),
    ("work", "marketplace.told"),
    ("work", "mail.attempt_stored"),
    ("work", "mail.accepted"),
    ("work", "timer.before_commit"),
)
#: The one service that comes by at a point; the others are for any.
AT_HOME = {
    "intake": "order",
    "http": "order",
    "carrier": "shipping",
    "marketplace": "order",
    "mail": "notify",
    "timer": "order",
    "job": "shipping",
}
REACHED_WITHIN_S = 12.0


async def kill(scene: Scene, chance: random.Random) -> str:
    """SIGKILL some processes at nearly the same moment."""
    hit = scene.processes(chance, chance.randint(2, 4))
    for one in hit:
        await one.kill()
        await asyncio.sleep(chance.uniform(0, 0.4))
    return ", ".join(one.name for one in hit)


async def crash_at_a_point(scene: Scene, chance: random.Random) -> str:
    return await _arm(scene, chance, "exit", chance.sample(CRASHES, 3))


async def raise_at_a_point(scene: Scene, chance: random.Random) -> str:
    """An exception nobody knows: a consumer cuts the batch in two until the key is found, and parks it."""
    consumers = [one for one in CRASHES if one[1] == "consumer.handled_some"]
    return await _arm(scene, chance, "raise", [*consumers, *chance.sample(CRASHES, 2)])


async def block_the_loop(scene: Scene, chance: random.Random) -> str:
    places = [one for one in CRASHES if one[1] in {"consumer.before_commit", "relay.before_send"}]
    return await _arm(scene, chance, "block(9)", places)


async def _arm(scene: Scene, chance: random.Random, action: str, places: list[tuple[str, str]]) -> str:
    """Restart a process per place with it armed, and give it a while to come by."""
    nth = chance.randint(1, 3)
    hit = []
    for role, point in places:
        service = AT_HOME.get(point.partition(".")[0]) or chance.choice(SERVICES)
        process = chance.choice(scene.replicas(service, role))
        folder = scene.folder / "armed" / f"{process.name}-{chance.randrange(1_000_000)}"
        await asyncio.to_thread(folder.mkdir, parents=True)
        setting = {
            "CROSSDOCK_FAULTS": f"{point}:{action}@{nth}",
            "CROSSDOCK_FAULTS_FOLDER": str(folder),
        }
        await process.restart(extra_env=setting)
        hit.append((process, point, folder))
    deadline = asyncio.get_running_loop().time() + REACHED_WITHIN_S
    while not all(_is_done(folder) for _, _, folder in hit):
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.3)
    told = []
    for process, point, folder in hit:
        done = _is_done(folder)
        if not done:  # nobody came by; disarm it, so that it does not happen at another time
            await process.restart()
        told.append(f"{process.name} at {point}{'' if done else ' (not reached)'}")
    return f"{action.partition('(')[0]}: {', '.join(told)}"


def _is_done(folder: Path) -> bool:
    return any(folder.iterdir())


async def pause_longer_than_a_session(scene: Scene, chance: random.Random) -> str:
    """A consumer that others took over from comes back and believes that nothing has happened."""
    (process,) = scene.processes(chance, 1, "consume")
    await _pause(process.name, scene, LONGER_THAN_A_SESSION_S)
    return f"{process.name} for {LONGER_THAN_A_SESSION_S:.0f} s"


async def pause_longer_than_a_lock(scene: Scene, chance: random.Random) -> str:
    hit = [chance.choice(scene.replicas(service, "relay")) for service in chance.sample(SERVICES, 2)]
    await asyncio.gather(*(_pause(one.name, scene, LONGER_THAN_A_LOCK_S) for one in hit))
    return f"{', '.join(one.name for one in hit)} for {LONGER_THAN_A_LOCK_S:.0f} s"


async def pause_shortly(scene: Scene, chance: random.Random) -> str:
    hit = scene.processes(chance, 4)
    for one in hit:
        await _pause(one.name, scene, chance.uniform(1, 3))
    return ", ".join(one.name for one in hit)


async def _pause(name: str, scene: Scene, seconds: float) -> None:
    process = scene.ground.processes[name]
    await process.pause()
    try:
        await asyncio.sleep(seconds)
    finally:
        await process.resume()


async def restart_in_turn(scene: Scene, chance: random.Random) -> str:
    """As a rolling update does: one replica of each role after the other, under load."""
    service = chance.choice(SERVICES)
    for role in ("api", "consume", "relay", "work"):
        for process in scene.replicas(service, role):
            await process.restart()
    return f"all of {service}"


async def too_little_grace(scene: Scene, chance: random.Random) -> str:
    """SIGTERM, and SIGKILL before the work in hand can end."""
    hit = scene.processes(chance, 3)

    async def one_after(name: str, grace_s: float) -> None:
        process = scene.ground.processes[name]
        ending = asyncio.create_task(process.terminate())
        await asyncio.wait([ending], timeout=grace_s)
        if not ending.done():
            await process.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await ending

    await asyncio.gather(*(one_after(one.name, chance.uniform(0.05, 1)) for one in hit))
    return ", ".join(one.name for one in hit)


async def rebalance_again_and_again(scene: Scene, chance: random.Random) -> str:
    service = chance.choice(SERVICES)
    consumers = scene.replicas(service, "consume")
    for n in range(4):
        process = consumers[n % len(consumers)]
        await (process.kill() if chance.random() < 1 / 2 else process.terminate())
        await asyncio.sleep(chance.uniform(3, 4))
    return f"the consumers of {service}, four times"


async def starve(scene: Scene, chance: random.Random) -> str:
    """Busy loops on every core."""
    seconds = chance.uniform(7, 10)
    async with _busy_loops(4):
        await asyncio.sleep(seconds)
    return f"four busy loops for {seconds:.0f} s"


@asynccontextmanager
async def _busy_loops(count: int) -> AsyncIterator[None]:
    program = "import os, time; end = time.monotonic() + 30\nwhile time.monotonic() < end: pass"
    loops = [await asyncio.create_subprocess_exec(sys.executable, "-c", program) for _ in range(count)]
    try:
        yield
    finally:
        for one in loops:
            with suppress(ProcessLookupError):
                one.kill()
        await asyncio.gather(*(one.wait() for one in loops))


async def few_files(scene: Scene, chance: random.Random) -> str:
    """No process may open another file or connection for a while."""
    hit = [one for one in scene.processes(chance, 3) if one.pid]
    before = {}
    for one in hit:
        with suppress(ProcessLookupError):
            before[one.pid] = resource.prlimit(one.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (16, before[one.pid][1]))
    try:
        await asyncio.sleep(chance.uniform(5, 8))
    finally:
        for pid, limits in before.items():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    return ", ".join(one.name for one in hit)


PROCESS_FAULTS = (
    Kind("processes killed", ("F1",), "2 to 4 processes get SIGKILL", kill, tier=1),
    Kind(
        "crash at a named point",
        ("F2",),
        "3 processes end without a word at a named place in their work",
        crash_at_a_point,
        tier=1,
    ),
    Kind("exception at a named point", ("F3",), "code raises what nobody foresaw", raise_at_a_point, tier=1),
    Kind(
        "paused longer than a session",
        ("F4",),
        "a consumer stands still, loses its partitions and comes back",
        pause_longer_than_a_session,
    ),
    Kind(
        "paused longer than a lock",
        ("F4",),
        "two relays stand still, lose their shards and come back",
        pause_longer_than_a_lock,
        tier=1,
    ),
    Kind("paused shortly", ("F5",), "4 processes stand still for 1 to 3 s", pause_shortly, light=True),
    Kind("rolling restart", ("F6",), "every process of a service is restarted in turn", restart_in_turn),
    Kind("too little grace", ("F6",), "SIGTERM, and SIGKILL within a second", too_little_grace),
    Kind(
        "rebalance storm",
        ("F7",),
        "a service's consumers end and come back every 3 to 4 s",
        rebalance_again_and_again,
    ),
    Kind("event loop blocked", ("F8",), "a consumer and a relay block their loop for 9 s", block_the_loop),
    Kind("CPU starved", ("F37",), "busy loops on every core", starve),
    Kind("file limit reached", ("F38",), "3 processes cannot open files or connections", few_files),
)
