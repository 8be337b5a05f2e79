"""The stages behind the intake, from accepted orders on: Crossdock, its floor and its peers by turns."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .beside import Beside
from .contenders import PRODUCT, Contender, Product, Turn
from .floor.plan import FLOOR, check_rows, floor_plan
from .part import Given, Report, as_table
from .peers.plans import installed, plan_of, refuse_missing
from .plant import running_plant
from .plots import bars
from .stage_tables import CAPTION, HEADS, LETTERS, as_json, plotted, rows

NOBODY = "none"
#: Unmeasured, at the begin of every turn.
ORDERS_AWAKE = 20
ORDERS_FIRST = 100


async def measure_stages(
    folder: Path, *, rounds: int, orders: int, beside: Sequence[str], tell: Callable[[str], None]
) -> Mapping[str, Sequence[Turn]]:
    """Contender -> one turn per round; they take turns, each round the other way.

    `beside`: the floor and the peers that are wanted. Raises EmbeddedError or NotAllTaken.
    """
    refuse_missing([name for name in beside if name != FLOOR])
    found: dict[str, list[Turn]] = {name: [] for name in (PRODUCT, *beside)}
    async with running_plant(folder, kafka="apache") as plant:
        await plant.prepare(tell)
        product = Product(plant)
        with product.resting():
            contenders: dict[str, Contender] = {PRODUCT: product}
            for name in beside:
                plan = await floor_plan(plant) if name == FLOOR else plan_of(name, plant)
                tell(f"{ORDERS_FIRST} orders before the first measurement: {plan.title}")
                contenders[name] = contender = Beside(plan, plant)
                await contender.prepare(ORDERS_FIRST)
            for number in range(rounds):
                for name in list(contenders)[:: 1 if number % 2 else -1]:
                    turn = await _turn(contenders[name], orders)
                    found[name].append(turn)
                    rates = ", ".join(f"{one} {turn.per_s(one):.0f}/s" for one in LETTERS)
                    tell(f"round {number + 1} of {rounds}: {contenders[name].title}: {rates}")
        if FLOOR in beside:
            check_rows(plant)
    return found


async def _turn(contender: Contender, orders: int) -> Turn:
    async with contender.awake():
        await contender.turn(ORDERS_AWAKE)
        return await contender.turn(orders)


# -- as a part of the bench


async def stages_part(given: Given) -> Report:
    """On a real Apache Kafka, whatever the other parts run on."""
    options = given.options
    peers = installed() if options.peers is None else options.peers.split(",")
    found = await measure_stages(
        given.folder / "stages",
        rounds=options.rounds,
        orders=options.orders,
        beside=[FLOOR, *(name for name in peers if name != NOBODY)],
        tell=given.tell,
    )
    title = f"Stages: {options.orders} accepted orders at once, until the stage's last one"
    return Report(
        shown=[as_table(title, HEADS, list(rows(found)), caption=CAPTION)],
        json=as_json(found),
        plots={"stages": bars("Accepted orders per second, by stage", plotted(found), unit="/s", digits=0)},
    )
