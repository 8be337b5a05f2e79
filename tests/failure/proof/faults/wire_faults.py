"""Wires that are cut, slow, silent, or lose only the answers."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from ..ground import Link
from .kind import Kind, Scene


def _links(scene: Scene, chance: random.Random, count: int, *prefixes: str) -> list[Link]:
    """Those of brokers and databases, unless said otherwise."""
    wanted = prefixes or ("kafka-", "order-db", "inventory-db", "shipping-db", "notify-db")
    names = sorted(name for name in scene.ground.links if name.startswith(wanted))
    return [scene.ground.links[name] for name in chance.sample(names, min(count, len(names)))]


def _names(links: list[Link]) -> str:
    return ", ".join(one.name for one in links)


async def _broken(links: list[Link], seconds: float, damage: Callable[[Link], Awaitable[None]]) -> str:
    try:
        for one in links:
            await damage(one)
        await asyncio.sleep(seconds)
    finally:
        for one in links:
            await one.heal()
    return f"{_names(links)} for {seconds:.0f} s"


async def cut(scene: Scene, chance: random.Random) -> str:
    links, seconds = _links(scene, chance, chance.randint(1, 3)), chance.uniform(4, 9)
    return await _broken(links, seconds, Link.cut)


async def cut_answers(scene: Scene, chance: random.Random) -> str:
    """What was asked is done, and nobody hears of it."""
    links = [*_links(scene, chance, 1, "kafka-"), *_links(scene, chance, 1)]
    seconds = chance.uniform(5, 9)
    return await _broken(links, seconds, Link.cut_answers)


async def swizzle(scene: Scene, chance: random.Random) -> str:
    """One wire after the other goes silent, and they come back in another order."""
    links = _links(scene, chance, 5)
    silenced: list[Link] = []
    try:
        for one in links:
            await one.silence()
            silenced.append(one)
            await asyncio.sleep(chance.uniform(0.3, 1.2))
        chance.shuffle(silenced)
        while silenced:
            await silenced[-1].heal()
            silenced.pop()
            await asyncio.sleep(chance.uniform(0.3, 1.2))
    finally:
        for one in silenced:
            await one.heal()
    return _names(links)


async def slow(scene: Scene, chance: random.Random) -> str:
    """Latency, jitter, a thin pipe, or tiny slices, each on another wire."""
    links = _links(scene, chance, 3)
    latency_s = chance.uniform(0.05, 0.3)
    try:
        await links[0].slow(latency_s, latency_s)
        await links[1].slow(0.01, 0.0, 60_000)
        await links[2].slice()
        await asyncio.sleep(chance.uniform(8, 12))
    finally:
        for one in links:
            await one.heal()
    return f"{_names(links)}: {latency_s * 1000:.0f} ms, 60 kB/s, slices"


async def one_topic_late(scene: Scene, chance: random.Random) -> str:
    """What one broker leads comes seconds after what the others lead: topics overtake each other."""
    (link,) = _links(scene, chance, 1, "kafka-")
    latency_s = chance.uniform(1.0, 2.5)
    try:
        await link.slow(latency_s)
        await asyncio.sleep(chance.uniform(10, 14))
    finally:
        await link.heal()
    return f"{link.name} by {latency_s:.1f} s"


async def reset(scene: Scene, chance: random.Random) -> str:
    links = _links(scene, chance, 4)
    for one in links * 2:
        await one.reset()
        await asyncio.sleep(chance.uniform(0.3, 1))
    return _names(links)


async def silence(scene: Scene, chance: random.Random) -> str:
    """Half-open: connections stay and nothing comes through."""
    links, seconds = _links(scene, chance, 2), chance.uniform(10, 16)
    return await _broken(links, seconds, Link.silence)


async def outside_cut(scene: Scene, chance: random.Random) -> str:
    """The carrier, the marketplace and the mail server are asked, and their answers get lost."""
    links, seconds = _links(scene, chance, 3, "easypost", "shopify", "smtp"), chance.uniform(5, 9)
    return await _broken(
        links, seconds, lambda one: one.cut_answers() if chance.random() < 2 / 3 else one.cut()
    )


WIRE_FAULTS = (
    Kind("wires cut", ("F14",), "1 to 3 wires to brokers and databases are cut both ways", cut, tier=1),
    Kind("answers cut", ("F14",), "requests arrive, answers are lost", cut_answers, tier=1),
    Kind("swizzle-clog", ("F15",), "wires fall silent one by one and come back in another order", swizzle),
    Kind("slow wires", ("F16",), "latency and jitter, a thin pipe, tiny slices", slow, light=True),
    Kind("topics overtake each other", ("F20",), "one broker is seconds behind the others", one_topic_late),
    Kind("connections reset", ("F17",), "connections break in the middle of an answer", reset, light=True),
    Kind("silent wires", ("F18",), "connections stay open and carry nothing", silence),
    Kind(
        "answers from outside cut",
        ("F14", "F18"),
        "carrier, marketplace and mail server do their work and their answers are lost",
        outside_cut,
        light=True,
    ),
)
