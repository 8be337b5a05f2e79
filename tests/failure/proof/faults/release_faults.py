"""Processes of the release before, beside those of this one."""

import asyncio
import random

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.stack.services import SERVICES

from .kind import Kind, Scene


async def mix(scene: Scene, chance: random.Random) -> str:
    """A replica of each consumer, and of one service everything, runs the release before."""
    service = chance.choice(SERVICES)
    older = [scene.replicas(one, "consume")[0] for one in SERVICES]
    older += [scene.replicas(service, role)[0] for role in ("api", "relay", "work")]
    try:
        for one in older:
            await one.restart(code=scene.previous)
        await asyncio.sleep(chance.uniform(10, 15))
    finally:
        for one in older:
            try:
                await one.restart(code=None)
            except EmbeddedError:
                one.hold(False)  # the ground starts it again, and tells when it cannot
    return f"{len(older)} processes, all of {service}'s roles among them"


RELEASE_FAULTS = (
    Kind(
        "versions mixed",
        ("F41",),
        "replicas of the release before read and write beside those of this one",
        mix,
    ),
)
