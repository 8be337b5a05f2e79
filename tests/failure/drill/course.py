"""The two drills: orders go through, something is lost, people and programs mend it, books are judged."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossdock_cli.api import Api, Refused
from crossdock_cli.demo.books import Books
from crossdock_cli.demo.cases import Case
from crossdock_cli.demo.doubts import settle_doubts
from crossdock_cli.demo.driver import Driver
from crossdock_cli.demo.judge import Verdict, judge
from crossdock_cli.demo.merchant import set_up
from crossdock_cli.demo.reader import Reader
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.scenario import Scenario, make_scenario
from crossdock_cli.stack.folder import DataFolder

from .ground import Ground

CHUNK = 10
LOOK_EVERY_S = 2.0
PATIENCE_S = 300.0
NOT_FOUND, CONFLICT = 404, 409


class DrillRun(Run):
    """Ordinary orders alone: what people did to the others in the lost time they would have to do again."""

    @property
    def scenario(self) -> Scenario:
        whole = make_scenario(self.orders, self.seed)
        return Scenario(tuple(one for one in whole.cases if one.is_ordinary), whole.stock)


@dataclass
class Figures:
    """What was seen. Seconds are of the wall clock, from the loss on."""

    drill: str
    orders: int = 0
    lost_s: float = 0.0
    lost_orders: int = 0
    restored_s: float = 0.0
    working_s: float = 0.0
    through_s: float = 0.0
    told: list[str] = field(default_factory=list)
    settled_keys: int = 0
    labels_looked_up: int = 0
    holds: bool = False
    wrong: list[str] = field(default_factory=list)


class Course:
    """One drill on one ground."""

    def __init__(self, ground: Ground, api: Api, orders: int, seed: int, tell: Callable[[str], None]) -> None:
        self._ground, self._api, self._tell = ground, api, tell
        self._run = DrillRun.new(orders, seed)
        self._cases = self._run.scenario.cases
        self._reader = Reader(api, self._run, self._cases)
        self.figures = Figures(ground.victim or "kafka", orders=len(self._cases))

    async def lose_kafka(self) -> Figures:
        """Orders are in flight when all brokers lose their disks; an empty cluster takes their place."""
        await set_up(self._run, self._run.scenario, self._api, self._ground.connection)
        half = len(self._cases) // 2
        await self._place(self._cases[:half])
        open_orders = half - await self._through()
        lost_at = time.monotonic()
        await self._ground.lose_kafka()
        self._tell(f"Kafka is gone, {open_orders} of {half} orders in flight")
        self.figures.lost_orders = open_orders
        await self._place(self._cases[half:])
        await self._ground.new_kafka()
        self.figures.restored_s = time.monotonic() - lost_at
        self._tell("an empty cluster is there")
        await self._judge(lost_at)
        return self.figures

    async def restore_database(self) -> Figures:
        """The victim's database goes back to before some of the orders; the others know all of them."""
        archived = self._ground.archived
        if archived is None:
            raise LookupError("nobody's database has an archive")
        await set_up(self._run, self._run.scenario, self._api, self._ground.connection)
        archived.back_up()
        first, second = len(self._cases) // 2, len(self._cases) * 5 // 6
        await self._place(self._cases[:first])
        target, since = archived.now(), time.monotonic()
        self._tell(f"{first} orders placed; the database will be restored to this moment, {target}")
        await self._place(self._cases[first:second])
        await asyncio.sleep(max(0.0, 30 - (time.monotonic() - since)))
        archived.archive_all()
        lost_at = time.monotonic()
        await self._ground.stop_victim(signal.SIGKILL)
        archived.lose()
        self.figures.lost_s, self.figures.lost_orders = lost_at - since, second - first
        self._tell(
            f"{self._ground.victim}'s database is gone, with {self.figures.lost_s:.0f} s that are lost"
        )
        archived.restore(target)
        self.figures.restored_s = time.monotonic() - lost_at
        await self._make_good()
        await self._ground.start_victim()
        self.figures.working_s = time.monotonic() - lost_at
        self._tell(f"{self._ground.victim} works again after {self.figures.working_s:.0f} s")
        if self._ground.victim == "order":
            # The marketplace sends its webhooks again: also the last before, which may have come too late.
            await self._place(self._cases[max(0, first - CHUNK) : second])
        await self._place(self._cases[second:])
        await self._judge(lost_at)
        return self.figures

    async def _make_good(self) -> None:
        """The command, dry and then in earnest."""
        victim = self._ground.victim or ""
        dry = await self._ground.command(victim, "restore", "--dry-run")
        done = await self._ground.command(victim, "restore", "--reason", "drill", "--by", "drill")
        self.figures.told = [one for one in done.splitlines() if not one.startswith("{")]
        planned = [one for one in dry.splitlines() if not one.startswith("{")]
        if planned[1:] != self.figures.told[1:]:
            self.figures.wrong.append(f"the dry run told {planned}")
        for line in self.figures.told:
            self._tell(f"    {line}")

    async def _place(self, cases: Sequence[Case]) -> None:
        """A few at a time, as orders come. Cases placed before are delivered once more."""
        for start in range(0, len(cases), CHUNK):
            self._run.done.clear()
            driver = Driver(self._run, self._api, save=lambda: None, patience_s=PATIENCE_S)
            await driver.play(cases[start : start + CHUNK])
            self.figures.wrong += driver.troubles
            await asyncio.sleep(1)

    async def _through(self) -> int:
        return sum(status == "closed" for status in (await self._reader.statuses()).values())

    async def _judge(self, lost_at: float) -> None:
        """Until nothing differs, or nothing has moved for long; people do their part meanwhile."""
        moved_at, before = time.monotonic(), (-1, -1)
        verdict = await self._verdict()
        while True:
            await self._people()
            now = (await self._through(), self.figures.settled_keys)
            if now != before:
                before, moved_at = now, time.monotonic()
                self._tell(f"{now[0]} of {len(self._cases)} orders closed, {now[1]} keys settled")
            if now[0] == len(self._cases) or time.monotonic() - moved_at > PATIENCE_S:
                verdict = await self._verdict()
                if verdict.holds or time.monotonic() - moved_at > PATIENCE_S:
                    break
            await asyncio.sleep(LOOK_EVERY_S)
        self.figures.through_s = time.monotonic() - lost_at
        self.figures.wrong += await self._shipping_and_carrier()
        self.figures.holds = verdict.holds and not self.figures.wrong
        self.figures.wrong += [
            f"{row.what}: {row.expected} expected, {row.seen} seen"
            for row in (*verdict.orders, *verdict.balances)
            if not row.holds
        ][:20]

    async def _verdict(self) -> Verdict:
        return judge(self._run.scenario, await self._reader.read(), unreadable=[])

    async def _shipping_and_carrier(self) -> list[str]:
        """What shipping-service itself says it has bought is what the carrier has sold."""
        listed: list[Any] = await self._api.items("shipping", "/v1/shipments")
        ours = {one["tracking_number"] for one in listed if one["tracking_number"]}
        books: Books = await self._reader.read()
        theirs = {label.tracking for labels in books.live_labels.values() for label in labels}
        strange = [f"{books.strange_labels} labels of no shipment"] if books.strange_labels else []
        return strange + [f"label {number} is in one book alone" for number in sorted(ours ^ theirs)][:20]

    # -- people

    async def _people(self) -> None:
        """Whoever sees to tasks, to labels and to mails that nobody can say anything about."""
        if self._ground.victim is not None:
            await self._settle(self._ground.victim)
        await self._look_up_labels()
        await settle_doubts(self._run, self._api, await self._reader.order_ids())

    async def _settle(self, victim: str) -> None:
        """A lost order is settled when it is back; everything else at once."""
        page = await self._api.get(victim, "/v1/operations/parked", limit=200)
        known = await self._reader.order_ids()
        for one in page["items"]:
            if victim == "order" and one["key"] not in known:
                continue
            body = {"key": one["key"], "reason": "compared with what the event tells"}
            try:
                found = await self._api.send("POST", victim, "/v1/operations/lost-events/settle", body)
            except Refused as error:
                if error.status != NOT_FOUND:
                    raise
                continue
            for settled in found["results"]:
                self.figures.settled_keys += settled["left"] == 0
                self.figures.wrong += [str(settled)] if settled["error"] else []

    async def _look_up_labels(self) -> None:
        """The carrier's own books decide."""
        jobs: list[Any] = await self._api.items(
            "shipping", "/v1/operations/jobs", state="needs_person", kind="buy_label"
        )
        for job in jobs:
            rows = await self._api.rows("easypost", "shipments", reference=job["reference"])
            bought = [row["id"] for row in rows if row["bought_at"]]
            body = {"outcome": "not_bought", "reason": "not in the carrier's books"}
            if bought:
                body = {"outcome": "bought", "carrier_ref": bought[0], "reason": "in the carrier's books"}
            path = f"/v1/shipments/{job['reference'].partition('/')[0]}/outcome"
            try:
                key = self._run.key("outcome", job["job_id"], bool(bought))
                await self._api.send("POST", "shipping", path, body, key=key)
                self.figures.labels_looked_up += 1
            except Refused as error:
                if error.status != CONFLICT:
                    raise


async def drill(
    folder: Path, victim: str | None, *, orders: int, seed: int, tell: Callable[[str], None]
) -> Figures:
    """`victim` None: Kafka is lost; else that service's database. `folder`: new, within reach of nobody."""
    data = DataFolder(folder)
    with data.locked():
        async with (
            Ground(data, victim=victim) as ground,
            Api(ground.connection, patience_s=PATIENCE_S) as api,
        ):
            tell("all is up")
            course = Course(ground, api, orders, seed, tell)
            return await (course.lose_kafka() if victim is None else course.restore_database())
