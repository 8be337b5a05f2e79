"""Any schedule of commands, deliveries, calls, deaths and time ends in a sensible and agreed state."""

import os
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from shipping_service.use_cases.ports import Capabilities

from .invariants import check_end
from .outside import Carrier
from .schedule import STEPS, Player, Step
from .world import ASKABLE, BLIND, Databases, World

#: INTERLEAVINGS_EXAMPLES asks for more, for others at every run, and for the shortest schedule that fails.
EXAMPLES = int(os.environ.get("INTERLEAVINGS_EXAMPLES", "0"))
STEPS_A_RUN = int(os.environ.get("INTERLEAVINGS_STEPS", "60"))
_merchants = count(1)

CARRIERS: dict[str, tuple[Capabilities, bool]] = {
    "pays once": (ASKABLE, True),
    "can be asked": (Capabilities(can_find=True, can_void=True, void_is_async=False), False),
    "blind": (BLIND, False),
}


@pytest.mark.timeout(0 if EXAMPLES else 240)
@settings(
    max_examples=EXAMPLES or 60,
    phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
@given(carrier=st.sampled_from(sorted(CARRIERS)), steps=st.lists(STEPS, min_size=10, max_size=STEPS_A_RUN))
async def test_whatever_happens_in_whatever_order_the_services_agree_in_the_end(
    databases: Databases, carrier: str, steps: list[Step]
) -> None:
    capabilities, pays_once = CARRIERS[carrier]
    databases.carriers["scripted"] = capabilities
    world = World(databases, merchant=f"m{next(_merchants)}", carrier=Carrier(pays_once=pays_once))
    await world.begin()
    player = Player(world, iter(steps))

    await player.play()
    note("\n".join(map(str, player.played)))
    await player.finish()

    await check_end(world)
