"""One run from an empty folder to the verdict: ground, traffic, faults, heal, rest, judgement."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from crossdock_cli.api import Api
from crossdock_cli.connection import Connection
from crossdock_cli.errors import CommandFailed
from crossdock_cli.stack.services import SERVICES

from ..checker import Finding, Watch, count_sometimes, judge, quiesced
from ..history import History, WebhookSent
from ..system import System
from .clients import Clients
from .coverage import rows
from .entrance import Entrance
from .faults import KINDS, Kind, Scene
from .ground import Ground, NotHealed, ProcessEvent, ProcessState
from .memory import watching_memory
from .people import People
from .recovery import Pulse, count_open
from .report import WHOLE_MINUTES, Hit, Report, never_injected
from .schedule import Injection, Wave, schedule, waves_of_first_round
from .shops import Marketplace, Shop, open_shops
from .surroundings import surroundings, unpack_previous
from .telling import Teller
from .traffic import Traffic

#: Hexadecimal, because order numbers are made of them; one for each policy.
SHOPS = ("a0001", "a0002", "a0003")
PATIENCE_S = 60.0
LONGEST_FAULT_S = 150.0
RECOVERS_WITHIN_S = 90.0
QUIET_S = 1.5
STORIES_END_S, WEBHOOKS_END_S = 60.0, 80.0
#: How long nothing may come further: three times a consumer's session with its rebalance.
RESTS_WITHIN_S = 240.0
#: As long as something comes further it is waited for, but no longer than so many times.
SLOW_MACHINE = 3
#: Nobody looks while a database is away, and a look takes its time on a busy machine.
LONGEST_BLIND_S = 180.0
#: A whole run may take so many times its minutes until every kind was there.
LONGEST_RUN = 2.5


@dataclass(frozen=True, kw_only=True)
class Options:
    """`folder`: new or empty; everything of the run is kept there."""

    minutes: float
    seed: int
    per_s: float
    replicas: int
    folder: Path
    only: tuple[str, ...] = ()  # kinds of faults; none: all

    @property
    def kinds(self) -> Sequence[Kind]:
        return [one for one in KINDS if not self.only or one.name in self.only]


def new_report(options: Options) -> Report:
    return Report(
        seed=options.seed,
        minutes=options.minutes,
        replicas=options.replicas,
        began_at=datetime.now(UTC),
        surroundings=surroundings(),
        coverage=rows(KINDS),
        says={one.name: one.says for one in KINDS},
    )


class Course:
    """`stop` set: what runs is ended and the report says what was found so far."""

    def __init__(self, options: Options, report: Report, teller: Teller, stop: asyncio.Event) -> None:
        self._options = options
        self._report = report
        self._teller = teller
        self._stop = stop
        self._began = time.monotonic()
        self._history = History()
        self._traffic: Traffic | None = None

    @property
    def has_begun(self) -> bool:
        return self._traffic is not None

    async def run(self) -> None:
        """Fills the report. Raises EmbeddedError or NoRelease when the ground does not come up."""
        options, teller = self._options, self._teller
        previous = await asyncio.to_thread(unpack_previous, options.folder / "previous")
        teller.say(f"starting three brokers, PostgreSQL and four services x {options.replicas}, split")
        async with AsyncExitStack() as stack:
            ground = await stack.enter_async_context(
                Ground(options.folder / "ground", replicas=options.replicas, on_event=self._note)
            )
            teller.say("the ground is up")
            doors = {
                service: await stack.enter_async_context(Entrance(ground.entries(service)))
                for service in SERVICES
            }
            token = ground.system.api_token
            urls = {**{name: door.url for name, door in doors.items()}, **ground.system.sandboxes}
            api = await stack.enter_async_context(Api(Connection(urls, token), patience_s=PATIENCE_S))
            link = ground.links["shopify"]
            shops = await open_shops(urls, token, names=SHOPS, marketplace=f"http://{link.host}:{link.port}")
            self._history.shops.update({one.run.account: f"{one.name}.myshopify.com" for one in shops})
            entries = {service: ground.entries(service) for service in SERVICES}
            clients = Clients(entries, token, self._history, patience_s=PATIENCE_S)
            stack.push_async_callback(clients.close)
            scene = Scene(
                ground=ground,
                folder=options.folder,
                shops=shops,
                api=api,
                clients=clients,
                history=self._history,
                previous=previous,
            )
            await self._with_traffic(scene, shops, api, clients)

    async def _with_traffic(self, scene: Scene, shops: Sequence[Shop], api: Api, clients: Clients) -> None:
        ground, options, report = scene.ground, self._options, self._report
        traffic = self._traffic = Traffic(
            shops,
            seed=options.seed,
            per_s=options.per_s,
            api=api,
            clients=clients,
            count_open=lambda: count_open(ground),
        )
        people = People(shops, seed=options.seed, api=api, clients=clients, history=self._history)
        pulse = Pulse(ground, shops[0], api)
        try:
            async with watching(ground.system, report), watching_memory(ground, report):
                try:
                    traffic.start()
                    people.start()
                    self._began = time.monotonic()
                    warm_s, missing = await pulse.recovered(self._began, limit_s=PATIENCE_S)
                    warm = (
                        missing if warm_s is None else f"the first order went all the way in {warm_s:.1f} s"
                    )
                    self._teller.say(f"traffic runs; {warm}")
                    self._began = time.monotonic()
                    await self._break_things(scene, pulse)
                    if not self._stop.is_set():
                        await self._come_to_rest(scene, traffic, people)
                finally:
                    await traffic.stop(patience_s=0)
                    await people.stop()
            if not self._stop.is_set():
                await self._judge(scene, people, api)
        finally:
            report.findings += [Finding("ENTRY", one) for one in scene.breaches]
            report.seconds = self._teller.seconds
            report.people = dict(people.done)
            self._count_traffic(traffic, pulse)

    # -- faults

    async def _break_things(self, scene: Scene, pulse: Pulse) -> None:
        """Wave after wave until the time is over and, in a whole run, every kind was there."""
        options = self._options
        seconds, first_round = options.minutes * 60, waves_of_first_round(options.kinds)
        whole = options.minutes >= WHOLE_MINUTES
        for wave in schedule(options.seed, options.kinds):
            spent_s = time.monotonic() - self._began
            if spent_s >= seconds and (
                not whole or wave.number > first_round or spent_s > seconds * LONGEST_RUN
            ):
                break
            await self._unless_stopped(self._wave(wave, scene, pulse))
            if self._stop.is_set():
                return
        missed = never_injected(self._report, (one.name for one in options.kinds))
        if missed:
            self._report.notes.append(f"no time for {len(missed)} kinds of faults: {', '.join(missed)}")

    async def _wave(self, wave: Wave, scene: Scene, pulse: Pulse) -> None:
        kinds = {one.name: one for one in KINDS}
        hits = await asyncio.gather(*(self._inject(wave, one, kinds, scene) for one in wave.injections))
        for one, hit in zip(wave.injections, tuple(hits), strict=True):
            if hit.error and len(wave.injections) > 1:  # the other fault stood in its way
                hits.append(await self._inject(wave, one, kinds, scene))
        ended = time.monotonic()
        self._progress("recovering")
        seconds, missing = await pulse.recovered(ended, limit_s=RECOVERS_WITHIN_S)
        for hit in hits:
            hit.recovered_s, hit.missing = seconds, missing
        if seconds is None:
            self._teller.say(f"not back after {RECOVERS_WITHIN_S:.0f} s: {missing}", style="red")
            await self._heal(scene)
        else:
            self._teller.say(f"back after {seconds:.1f} s")
        await asyncio.sleep(QUIET_S)

    async def _inject(self, wave: Wave, injection: Injection, kinds: dict[str, Kind], scene: Scene) -> Hit:
        self._progress(f"{wave.number}: {wave.title}")
        began = time.monotonic()
        hit = Hit(wave=wave.number, kind=injection.kind, at_s=began - self._began, hit="", took_s=0.0)
        try:
            async with asyncio.timeout(LONGEST_FAULT_S):
                hit.hit = await kinds[injection.kind].inject(scene, injection.chance)
        except Exception as error:  # the edge: whatever a fault meets, the run goes on and says so
            hit.error = f"{type(error).__name__}: {error}"[:300]
            self._teller.say(f"{injection.kind} could not be injected: {hit.error}", style="red")
        hit.took_s = time.monotonic() - began
        self._report.hits.append(hit)
        if not hit.error:
            self._teller.say(f"{wave.number:3d} {injection.kind}: {hit.hit}")
        return hit

    async def _heal(self, scene: Scene) -> None:
        try:
            await scene.ground.heal()
            for sandbox in scene.ground.system.sandboxes:
                await scene.api.send("DELETE", sandbox, "/_sandbox/faults")
        except (NotHealed, CommandFailed) as error:
            self._report.notes.append(f"not healed: {error}"[:500])
            self._teller.say(f"not healed: {error}", style="red")

    async def _unless_stopped(self, work: Coroutine[None, None, None]) -> None:
        """Stopping ends it in the middle; its `finally` still puts things right."""
        working, stopped = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([working, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            if not working.done():
                working.cancel()
            await asyncio.wait([working, stopped])
        if not working.cancelled():
            working.result()

    # -- the end

    async def _come_to_rest(self, scene: Scene, traffic: Traffic, people: People) -> None:
        """Traffic stops, everything is healed, people see to what waits, and nothing moves any more."""
        report, teller = self._report, self._teller
        teller.say("traffic stops, everything is healed")
        await self._heal(scene)
        await traffic.stop(patience_s=STORIES_END_S)
        await people.stop()
        await self._webhooks_end(scene)
        last = time.monotonic() + RESTS_WITHIN_S * SLOW_MACHINE
        deadline = time.monotonic() + RESTS_WITHIN_S
        moving: list[str] = ["a first look"]
        while moving and time.monotonic() < min(deadline, last) and not self._stop.is_set():
            await people.tidy()
            before, moving = moving, await self._moving(scene)
            if moving and moving != before:
                deadline = time.monotonic() + RESTS_WITHIN_S
                teller.say(f"still moving: {'; '.join(moving[:4])}")
            await asyncio.sleep(1.0 if moving else 0.0)
        if self._stop.is_set():
            return
        if not moving:
            await people.close_exceptions()
            moving = await self._moving(scene)
        report.moving = moving
        teller.say("all rests" if not moving else f"does not come to rest: {'; '.join(moving)}")

    async def _webhooks_end(self, scene: Scene) -> None:
        marketplace, deadline = Marketplace(scene.api), time.monotonic() + WEBHOOKS_END_S
        while (pending := await marketplace.pending()) and time.monotonic() < deadline:
            self._teller.now(f"{pending} webhooks are on their way")
            await asyncio.sleep(1)

    async def _moving(self, scene: Scene) -> list[str]:
        try:
            poison = {one.key for one in self._history.injected if one.poison and one.key is not None}
            moving = await quiesced(scene.ground.system, may_rest=poison)
            left = await count_open(scene.ground)
        except Exception as error:  # the edge: who cannot be asked may answer at the next try
            return [f"it could not be asked: {type(error).__name__}: {error}"[:300]]
        return moving if left == 0 else [f"{left} orders have not come to an end", *moving]

    async def _judge(self, scene: Scene, people: People, api: Api) -> None:
        report, teller = self._report, self._teller
        teller.say("judging")
        self._history.webhooks += await webhooks_sent(api)
        report.judgement = await judge(scene.ground.system, self._history)
        report.sometimes = await count_sometimes(scene.ground.system)
        report.finished = True

    # -- telling

    def _note(self, event: ProcessEvent) -> None:
        if event.state is ProcessState.DIED and self._traffic is None:
            self._teller.say(f"{event.name} died: {event.reason}"[:300], style="red")

    def _progress(self, text: str) -> None:
        traffic = self._traffic
        orders = f"{traffic.placed} orders, {traffic.open} open" if traffic else ""
        self._teller.now(f"{text}  ({orders})", done_s=time.monotonic() - self._began)

    def _count_traffic(self, traffic: Traffic, pulse: Pulse) -> None:
        report, history = self._report, self._history
        report.kinds_of_orders = dict(traffic.kinds)
        report.troubles = dict(traffic.troubles)
        report.traffic = {
            "orders placed": traffic.placed + len(pulse.probes),
            "probes among them": len(pulse.probes),
            "webhooks": len(history.webhooks),
            "commands": len(history.commands),
            "reads": len(history.reads),
            "records of the proof's own": len(history.injected),
            "seconds held back because too much was open": round(traffic.held_back_s),
        }
        outcomes = Counter("no answer" if one.status is None else str(one.status) for one in history.webhooks)
        report.traffic |= {f"webhooks answered {name}": count for name, count in outcomes.items()}


@asynccontextmanager
async def watching(system: System, report: Report) -> AsyncIterator[None]:
    """The invariants sampled under load. A watch that breaks is a finding: nobody has looked since."""
    watch = Watch(system)
    await watch.__aenter__()
    try:
        yield
    finally:
        try:
            await watch.__aexit__(None, None, None)
        except Exception as error:
            text = f"the watch ended early: {type(error).__name__}: {error}"
            report.findings.append(Finding("WATCH", text[:300]))
        if watch.blind_s > LONGEST_BLIND_S:
            report.findings.append(Finding("WATCH", f"nobody has looked for {watch.blind_s:.0f} s"))
        report.findings += watch.findings
        report.samples = watch.samples
        report.sampled = dict(watch.looked_at)


async def webhooks_sent(api: Api) -> list[WebhookSent]:
    """From the marketplace's own books: each delivery with the best answer it got."""
    taken: set[int] = set()
    answered: dict[int, int] = {}
    for one in await api.rows("shopify", "attempts"):
        if one["status"] is not None:
            answered[one["delivery_id"]] = one["status"]
            if one["status"] // 100 == 2:
                taken.add(one["delivery_id"])
    return [
        WebhookSent(
            shop=one["sender"],
            order_id=int(one["reference"] or 0),
            topic=one["topic"],
            webhook_id=one["webhook_id"],
            status=200 if one["id"] in taken else answered.get(one["id"]),
            at=datetime.fromisoformat(one["created_at"]),
        )
        for one in await api.rows("shopify", "deliveries")
    ]
