"""Processes of the release before, beside those of this one."""

import asyncio
import random

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.stack.services import SERVICES

from ..ground import Process
from .kind import Kind, Scene


async def mix(scene: Scene, chance: random.Random) -> str:
    """A replica of each consumer, and of one service everything, runs the release before."""
    service = chance.choice(SERVICES)
    older = [scene.replicas(one, "consume")[0] for one in SERVICES]
    older += [scene.replicas(service, role)[0] for role in ("api", "relay", "work")]
    try:
        await asyncio.gather(*(one.restart(code=scene.previous) for one in older))
        await asyncio.sleep(chance.uniform(10, 15))
    finally:
        await asyncio.gather(*map(_back, older))
    return f"{len(older)} processes, all of {service}'s roles among them"


async def _back(process: Process) -> None:
    try:
        await process.restart(code=None)
    except EmbeddedError:
        process.hold(False)  # the ground starts it again, and tells when it cannot


RELEASE_FAULTS = (
    Kind(
        "versions mixed",
        ("F41",),
        "replicas of the release before read and write beside those of this one",
        mix,
    ),
)
