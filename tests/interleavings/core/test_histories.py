"""Whole orders as they went: what each service heard, did and said, word for word, as files beside this one.

A difference is a change of behaviour: look at it, and when it is meant, record the histories anew:

    RECORD_HISTORIES=1 .venv/bin/pytest tests/interleavings/core/test_histories.py
"""

import json
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from difflib import unified_diff
from pathlib import Path
from typing import Final

import pytest

from order_service.domain.order import Policy

from ..bus import Said
from ..invariants import check_end
from ..outside import HAMBURG, Answer, Carrier
from ..world import ASKABLE
from .memory import run
from .world import CoreWorld, open_core

FOLDER: Final = Path(__file__).with_name("histories")
RECORD: Final = bool(os.environ.get("RECORD_HISTORIES"))
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class History:
    """Writes down one world's story, with small numbers for ids in the order of their appearance."""

    def __init__(self, world: CoreWorld) -> None:
        self.world = world
        self.lines: list[str] = []
        self._ids: dict[str, str] = {}
        self._logged = len(world.bus.log)
        self._told = {name: len(member.memory.rows.timeline) for name, member in world.core.members.items()}

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    async def moment(self, what: str, happening: Awaitable[object]) -> None:
        """Something from outside, and all that follows from it."""
        self.lines += ["", f"## {what}"]
        await happening
        self._write_down("")
        while await self._hear() or await self._call():
            continue

    async def _hear(self) -> bool:
        bus = self.world.bus
        heard = False
        for consumer in self.world.members:
            for stream in bus.open_streams(consumer):
                await bus.deliver(consumer, [stream])
                event = bus.heard[consumer][-1].event
                self._write_down(f"{consumer} hears {event.TOPIC} v{event.aggregate_version}")
                heard = True
        return heard

    async def _call(self) -> bool:
        await self.world.claim()
        if not self.world.in_flight:
            return False
        member, job = self.world.in_flight[0]
        outcome = await self.world.run()
        while self.world.in_flight:
            other, another = self.world.in_flight[0]
            self._write_down(f"{member.name} calls {job.kind}: {outcome}")
            member, job = other, another
            outcome = await self.world.run()
        self._write_down(f"{member.name} calls {job.kind}: {outcome}")
        return True

    def _write_down(self, why: str) -> None:
        if why:
            self.lines.append(why)
        for name, member in self.world.core.members.items():
            timeline = member.memory.rows.timeline
            self.lines += [f"    {name} notes {self._short(one)}" for one in timeline[self._told[name] :]]
            self._told[name] = len(timeline)
        for said in self.world.bus.log[self._logged :]:
            self.lines += self._told_of(said)
        self._logged = len(self.world.bus.log)

    def _told_of(self, said: Said) -> list[str]:
        event = said.event
        lines = [f"    {said.publisher} says {event.TOPIC} v{event.aggregate_version}"]
        content = event.model_dump(
            mode="json", exclude={"aggregate_version", "merchant_id"}, exclude_defaults=True
        )
        for name, value in content.items():
            lines.append(f"        {name}: {self._short(json.dumps(value, ensure_ascii=False))}")
        return lines

    def _short(self, text: str) -> str:
        return _ID.sub(lambda found: self._ids.setdefault(found[0], f"#{len(self._ids) + 1}"), text)


Story = Callable[[CoreWorld, History], Awaitable[None]]


async def shipped(world: CoreWorld, history: History) -> None:
    await history.moment("3 mugs arrive in Berlin", world.receive("mug", 3))
    await history.moment("a buyer orders 2 mugs", world.place(("mug", 2)))
    await history.moment("the parcel is handed over", world.hand_over())


async def cancelled_while_the_label_is_bought(world: CoreWorld, history: History) -> None:
    await history.moment("3 mugs arrive in Berlin", world.receive("mug", 3))
    order = await world.place(("mug", 2))

    async def cancel() -> None:
        await world.cancel(order)
        await world.deliver("shipping", "order.cancelled")

    world.carrier.buying.meanwhile.append(cancel)
    await history.moment(
        "a buyer orders 2 mugs, and cancels while the label is being bought", world.deliver("order")
    )


async def moved_after_the_label(world: CoreWorld, history: History) -> None:
    await history.moment("3 mugs arrive in Berlin", world.receive("mug", 3))
    order = await world.place(("mug", 2))
    await history.moment("a buyer orders 2 mugs", world.deliver("order"))
    await history.moment("the buyer moves to Hamburg", world.move(order, HAMBURG))
    await history.moment("the parcel is handed over", world.hand_over())


async def backordered_and_filled(world: CoreWorld, history: History) -> None:
    await history.moment("1 mug arrives in Berlin", world.receive("mug", 1))
    await history.moment(
        "a buyer orders 3 mugs, and may wait", world.place(("mug", 3), policy=Policy.BACKORDER)
    )
    await history.moment("2 mugs arrive", world.receive("mug", 2))
    await history.moment("both parcels are handed over", world.hand_over())


async def counted_below_what_was_promised(world: CoreWorld, history: History) -> None:
    await history.moment("3 mugs arrive in Berlin", world.receive("mug", 3))
    await history.moment("a buyer orders 2 mugs", world.place(("mug", 2)))
    await history.moment("another buyer orders 1", world.place(("mug", 1)))
    await history.moment("somebody counts 2", world.count("mug", 2))
    await history.moment("the parcel that is left is handed over", world.hand_over())


async def unpaid_in_time(world: CoreWorld, history: History) -> None:
    await history.moment("3 mugs arrive in Berlin", world.receive("mug", 3))
    await history.moment("a buyer orders 2 mugs and does not pay", world.place(("mug", 2), paid=False))
    world.clock.pass_by(timedelta(hours=49))
    await history.moment("two days pass", world.fire())


async def bought_without_an_answer(world: CoreWorld, history: History) -> None:
    await history.moment("3 mugs arrive in Berlin", world.receive("mug", 3))
    world.carrier.buying.then(Answer.LOST_BUT_DONE)
    await history.moment("a buyer orders 2 mugs, and the carrier's answer is lost", world.place(("mug", 2)))
    world.clock.pass_by(timedelta(minutes=10))
    await history.moment("ten minutes pass", world.fire())
    await history.moment("the parcel is handed over", world.hand_over())


STORIES: Mapping[str, Story] = {
    one.__name__: one
    for one in (
        shipped,
        cancelled_while_the_label_is_bought,
        moved_after_the_label,
        backordered_and_filled,
        counted_below_what_was_promised,
        unpaid_in_time,
        bought_without_an_answer,
    )
}


@pytest.mark.parametrize("name", STORIES)
def test_an_order_goes_as_it_went_before(name: str) -> None:
    world = open_core(ASKABLE, Carrier())

    async def tell() -> History:
        await world.begin()
        history = History(world)
        await STORIES[name](world, history)
        return history

    told = run(tell()).text.strip() + "\n"
    run(check_end(world))

    recorded = FOLDER / f"{name}.txt"
    if RECORD:
        recorded.write_text(told)
    before = recorded.read_text() if recorded.is_file() else ""
    different = list(
        unified_diff(before.splitlines(), told.splitlines(), "recorded", "now", lineterm="", n=5)
    )
    assert not different, "\n".join(different)
