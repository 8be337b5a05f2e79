"""Brokers that die, hang, or are too few."""

import asyncio
import random

from .kind import Kind, Scene

NODES = (0, 1, 2)
GROUPS = ("inventory", "notify", "order", "shipping")


async def kill_one(scene: Scene, chance: random.Random) -> str:
    """Each node leads a third of the partitions."""
    return await _away(scene, chance.choice(NODES), chance.uniform(5, 9))


async def kill_controller(scene: Scene, chance: random.Random) -> str:
    return await _away(scene, await scene.ground.brokers.controller(), chance.uniform(5, 9))


async def kill_coordinator(scene: Scene, chance: random.Random) -> str:
    """The node that leads a consumer group."""
    coordinators = await scene.ground.brokers.coordinators(GROUPS)
    group = chance.choice(GROUPS)
    node = coordinators.get(group, 0)
    return f"{await _away(scene, node, chance.uniform(5, 9))}, coordinator of {group}"


async def _away(scene: Scene, node: int, seconds: float) -> str:
    brokers = scene.ground.brokers
    await brokers.kill(node)
    try:
        await asyncio.sleep(seconds)
    finally:
        await brokers.start(node)
    return f"kafka-{node}, away for {seconds:.0f} s"


async def all_down(scene: Scene, chance: random.Random) -> str:
    brokers, seconds = scene.ground.brokers, chance.uniform(20, 30)
    await asyncio.gather(*(brokers.kill(node) for node in NODES))
    try:
        await asyncio.sleep(seconds)
    finally:
        await asyncio.gather(*(brokers.start(node) for node in NODES))
    return f"all three, for {seconds:.0f} s"


async def hang(scene: Scene, chance: random.Random) -> str:
    brokers, node, seconds = scene.ground.brokers, chance.choice(NODES), chance.uniform(9, 15)
    await brokers.pause(node)
    try:
        await asyncio.sleep(seconds)
    finally:
        await brokers.resume(node)
    return f"kafka-{node} for {seconds:.0f} s"


async def restart_in_turn(scene: Scene, chance: random.Random) -> str:
    brokers = scene.ground.brokers
    for node in chance.sample(NODES, len(NODES)):
        await brokers.stop(node)
        await brokers.start(node)
    return "all three, one after the other"


async def too_few(scene: Scene, chance: random.Random) -> str:
    """Two of three away: nothing can be acknowledged by two copies."""
    brokers, seconds = scene.ground.brokers, chance.uniform(10, 15)
    gone = chance.sample(NODES, 2)
    await asyncio.gather(*(brokers.kill(node) for node in gone))
    try:
        await asyncio.sleep(seconds)
    finally:
        await asyncio.gather(*(brokers.start(node) for node in gone))
    return f"{' and '.join(f'kafka-{node}' for node in gone)} for {seconds:.0f} s"


BROKER_FAULTS = (
    Kind("broker killed", ("F9",), "a node that leads partitions gets SIGKILL", kill_one, tier=1),
    Kind("controller killed", ("F10",), "the node that decides gets SIGKILL", kill_controller),
    Kind("coordinator killed", ("F10",), "the node that leads a group gets SIGKILL", kill_coordinator),
    Kind("all brokers down", ("F11",), "all three nodes are killed and come back", all_down),
    Kind("broker hung", ("F12",), "a node stands still and keeps its connections", hang),
    Kind("brokers restarted in turn", ("F13",), "a clean restart of each node", restart_in_turn),
    Kind("too few copies", ("F26",), "two of three nodes away: no acknowledgement is possible", too_few),
)
