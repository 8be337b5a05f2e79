"""The carrier, the marketplace and the mail server on a bad day."""

import asyncio
import random
from typing import Any

from .kind import Kind, Scene

SANDBOXES = ("easypost", "shopify", "mailbox")
#: What costs money or is told to somebody; the rest is read only.
OPERATIONS = {
    "easypost": ("shipment.create", "shipment.buy", "shipment.refund"),
    "shopify": ("fulfillmentCreate",),
    "mailbox": ("DATA",),
}


async def _misbehave(
    scene: Scene, chance: random.Random, modes: dict[str, tuple[str, float | None]], seconds: float
) -> None:
    """`modes`: sandbox -> (mode, delay). All operations that count, a few times each."""
    try:
        for sandbox, (mode, delay_s) in modes.items():
            rules: list[dict[str, Any]] = [
                {"operation": one, "mode": mode, "times": chance.randint(3, 8), "delay_s": delay_s}
                for one in OPERATIONS[sandbox]
            ]
            await scene.api.send("PUT", sandbox, "/_sandbox/faults", rules)
        await asyncio.sleep(seconds)
    finally:
        for sandbox in modes:
            await scene.api.send("DELETE", sandbox, "/_sandbox/faults")


async def hang(scene: Scene, chance: random.Random) -> str:
    await _misbehave(scene, chance, dict.fromkeys(SANDBOXES, ("hang", 20.0)), chance.uniform(9, 13))
    return "all three"


async def answer_late(scene: Scene, chance: random.Random) -> str:
    """Done at once and said late: later than anybody waits, at least sometimes."""
    delay_s = chance.choice((4.0, 15.0, 35.0))
    await _misbehave(scene, chance, dict.fromkeys(SANDBOXES, ("answer_late", delay_s)), chance.uniform(9, 13))
    return f"all three, by {delay_s:.0f} s"


async def drop_the_answer(scene: Scene, chance: random.Random) -> str:
    mode = ("do_then_drop_connection", None)
    await _misbehave(scene, chance, dict.fromkeys(SANDBOXES, mode), chance.uniform(8, 11))
    return "all three"


async def errors(scene: Scene, chance: random.Random) -> str:
    modes = {one: (chance.choice(("error_500", "throttle")), None) for one in SANDBOXES}
    await _misbehave(scene, chance, dict(modes), chance.uniform(8, 11))
    return ", ".join(f"{name}: {mode}" for name, (mode, _) in modes.items())


OUTSIDE_FAULTS = (
    Kind("outside hangs", ("S1",), "carrier, marketplace and mail server say nothing", hang, light=True),
    Kind("outside answers late", ("S2",), "they do it at once and say it late", answer_late, light=True),
    Kind(
        "outside drops the answer",
        ("S3",),
        "they do it and reset the connection before a byte of the answer",
        drop_the_answer,
        tier=1,
        light=True,
    ),
    Kind("outside errs", ("S4",), "they answer 500, 429 or greylist", errors, light=True),
)
