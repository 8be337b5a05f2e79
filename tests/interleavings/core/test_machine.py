"""The whole core under a machine of rules: any order, duplicates, deaths, lost answers, time.

CORE_EXAMPLES=5000 CORE_STEPS=200 plays a night of it, others at every run, and shrinks what fails; then all
of SELDOM has to have been met, too.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ..bus import Said
from ..invariants import check_end, check_now, contradictions, versions
from ..outside import Carrier
from ..schedule import CONSUMERS, FIRST_TROUBLE, Player, Step
from ..test_random_schedules import CARRIERS
from .memory import run
from .sometimes import OFTEN, SELDOM, met
from .world import CoreWorld, open_core

EXAMPLES = int(os.environ.get("CORE_EXAMPLES", "0"))
STEPS_A_RUN = int(os.environ.get("CORE_STEPS", "50"))

_some = st.integers(0, 11)
_numbers = st.tuples(_some, _some, _some)
_consumer = st.sampled_from(CONSUMERS)
#: What others may do in the middle of a call to a carrier.
_meanwhile = st.lists(
    st.builds(
        Step,
        st.sampled_from(
            ["deliver", "deliver_all", "deliver_all", "buyer_cancels", "cancel", "move", "reduce", "count"]
        ),
        _some,
        _some,
        _some,
    ),
    max_size=4,
)


class Services(RuleBasedStateMachine):
    """Four services that hear of each other only what a rule delivers. `met` counts over all runs."""

    met: ClassVar[Counter[str]] = Counter()

    world: CoreWorld
    player: Player
    upcoming: list[Step]

    @initialize(carrier=st.sampled_from(sorted(CARRIERS)), stock=_numbers, first=_numbers, second=_numbers)
    def begin(self, carrier: str, stock: Any, first: Any, second: Any) -> None:
        capabilities, pays_once = CARRIERS[carrier]
        self.world = open_core(capabilities, Carrier(pays_once=pays_once))
        self.upcoming = []
        self.player = Player(self.world, self._upcoming())
        run(self.world.begin())
        run(self.world.receive("mug", 1 + stock[0] % 4, "BER"))
        run(self.world.receive("cap", 1 + stock[1] % 6, "POZ" if stock[2] % 2 else "BER"))
        self._take("place", first)
        self._take("place", second)

    # -- the marketplace and its buyers --------------------------------------------------------------------

    @rule(n=_numbers)
    def place(self, n: Any) -> None:
        self._take("place", n)

    @rule(n=_numbers)
    def pay(self, n: Any) -> None:
        self._take("pay", n)

    @rule(n=_numbers)
    def move(self, n: Any) -> None:
        self._take("move", n)

    @rule(n=_numbers)
    def reduce(self, n: Any) -> None:
        self._take("reduce", n)

    @rule(n=_numbers)
    def buyer_cancels(self, n: Any) -> None:
        self._take("buyer_cancels", n)

    @rule(n=_numbers)
    def the_marketplace_repeats_itself(self, n: Any) -> None:
        self._take("old_word", n)

    # -- people --------------------------------------------------------------------------------------------

    @rule(what=st.sampled_from(["cancel", "hold", "release", "retry", "correct"]), n=_numbers)
    def somebody_steers(self, what: str, n: Any) -> None:
        self._take(what, n)

    @rule(n=_numbers)
    def stock_arrives(self, n: Any) -> None:
        self._take("receive", n)

    @rule(n=_numbers)
    def somebody_counts(self, n: Any) -> None:
        self._take("count", n)

    @rule(n=_numbers)
    def a_sku_becomes_known(self, n: Any) -> None:
        self._take("make_known", n)

    @rule(n=_numbers)
    def a_parcel_leaves(self, n: Any) -> None:
        self._take("hand_over", n)

    @rule(what=st.sampled_from(["repair", "decide"]), n=_numbers)
    def somebody_mends(self, what: str, n: Any) -> None:
        self._take(what, n)

    # -- events --------------------------------------------------------------------------------------------

    @rule(n=_numbers)
    def a_consumer_hears(self, n: Any) -> None:
        """Some events, perhaps one of them again, perhaps dying before or after the commit."""
        self._note_delivery(n)
        self._take("deliver", n)

    @rule(n=_numbers)
    def another_consumer_hears(self, n: Any) -> None:
        self._note_delivery(n)
        self._take("deliver", n)

    @rule(consumer=_consumer)
    def a_consumer_catches_up(self, consumer: str) -> None:
        run(self.world.deliver(consumer))

    @rule()
    def all_hear_all(self) -> None:
        for _ in range(3):
            for consumer in CONSUMERS:
                run(self.world.deliver(consumer))

    @rule(consumer=_consumer, n=_some)
    def what_the_inbox_forgot_comes_again(self, consumer: str, n: int) -> None:
        """Alone against the watermarks and natural keys of the rows."""
        heard = self.world.bus.heard[consumer]
        if heard:
            self.world.forget_what_was_heard(consumer)
            run(self.world.bus.deliver(consumer, [], again=[heard[n % len(heard)]]))
            self.met["an event came again past the inbox"] += 1

    @rule(publisher=_consumer)
    def an_outbox_stalls(self, publisher: str) -> None:
        self.met["an outbox stalled"] += 1
        self.world.bus.stall(publisher)

    @rule()
    def outboxes_go_on(self) -> None:
        self.world.bus.go_on()

    # -- calls and time ------------------------------------------------------------------------------------

    @rule(n=_numbers)
    def calls_begin(self, n: Any) -> None:
        self._take("claim", n)

    @rule(n=_numbers, meanwhile=_meanwhile)
    def a_call_is_made(self, n: Any, meanwhile: list[Step]) -> None:
        self.upcoming = meanwhile
        self._take("run", n)

    @rule(which=_some, how=st.integers(FIRST_TROUBLE, FIRST_TROUBLE + 5), n=_some)
    def a_call_goes_wrong(self, which: int, how: int, n: int) -> None:
        self._take("run", (which, how, n))

    @rule()
    def everything_goes_well_for_a_while(self) -> None:
        for consumer in ("inventory", "shipping", "order", "shipping"):
            run(self.world.deliver(consumer))
        run(self.world.work())
        run(self.world.deliver("order"))

    @rule(n=_numbers)
    def timers_fire(self, n: Any) -> None:
        before = sum(len(one.memory.rows.timers) for one in self._members)
        self._take("fire", n)
        after = sum(len(one.memory.rows.timers) for one in self._members)
        self.met["a timer fired while an outbox stalled"] += bool(self.world.bus.stalled) and after < before

    @rule(n=_numbers)
    def hours_pass(self, n: Any) -> None:
        self._take("hours", n)

    # -- at every step -------------------------------------------------------------------------------------

    @invariant()
    def the_books_agree(self) -> None:
        run(check_now(self.world))

    @invariant()
    def nobody_contradicts_another(self) -> None:
        assert not run(contradictions(self.world))

    @invariant()
    def versions_have_no_hole(self) -> None:
        assert not versions(self.world.bus.log, self.world.merchant)

    @invariant()
    def inventory_never_answers_an_older_version_again(self) -> None:
        answered: dict[Any, int] = {}
        for topic in ("stock.reserved", "stock.rejected", "stock.released"):
            for event in self._said(topic):
                answered.setdefault((event.order_id, event.aggregate_version), event.order_version)
        newest: dict[Any, int] = {}
        for (order_id, _), version in sorted(answered.items()):
            assert version >= newest.get(order_id, 0)
            newest[order_id] = version

    @invariant()
    def nothing_leaves_that_was_not_ordered(self) -> None:
        ordered = {
            line.line_id: line.units_ordered
            for order in self.world.core.order.orders.look()
            for line in order.lines
        }
        left: Counter[Any] = Counter()
        for event in self._said("parcel.shipped"):
            for content in event.contents:
                left[content.line_id] += content.units
        assert all(units <= ordered[line_id] for line_id, units in left.items())

    @invariant()
    def an_allocation_ends_once(self) -> None:
        """It leaves in one parcel, or it is cancelled: never both, and neither twice."""
        shipped = [one.allocation_id for event in self._said("parcel.shipped") for one in event.contents]
        stopped = [one for event in self._said("shipment.cancelled") for one in event.allocation_ids]
        ended = Counter([*shipped, *stopped])
        assert all(times == 1 for times in ended.values()), f"ended more than once: {ended}"

    @invariant()
    def each_thing_is_said_once(self) -> None:
        assert all(times == 1 for times in self.world.mailbox.taken.values())
        for order in self.world.shop.orders.values():
            for line in order.lines:
                assert self.world.shop.units_told[order.external_id, line.external_id] <= line.quantity

    @invariant()
    def rare_states_are_counted(self) -> None:
        self.met.update(set(met(self.world)))

    def teardown(self) -> None:
        """Nothing goes wrong any more, and people do their part: all has to come to a sensible end."""
        if sys.exc_info()[0] is None and hasattr(self, "player"):
            self.upcoming = []
            self.world.bus.go_on()
            run(self.player.finish())
            run(check_end(self.world))

    # -- how -----------------------------------------------------------------------------------------------

    def _take(self, what: str, n: Any) -> None:
        run(self.player.take(Step(what, *n)))

    def _upcoming(self) -> Iterator[Step]:
        while True:
            if not self.upcoming:
                yield Step("fire", 0, 0, 0)
            else:
                yield self.upcoming.pop(0)

    def _note_delivery(self, n: Any) -> None:
        consumer_busy = any(self.world.bus.open_streams(one) for one in CONSUMERS)
        self.met["a batch died before its commit"] += consumer_busy and n[2] in {10, 11}
        self.met["a batch came again after its commit"] += consumer_busy and n[2] == 9
        self.met["an event came twice"] += consumer_busy and n[2] in {5, 6, 7}

    def _said(self, topic: str) -> list[Any]:
        said: list[Said] = self.world.bus.log
        return [one.event for one in said if topic == one.event.TOPIC]

    @property
    def _members(self) -> list[Any]:
        return list(self.world.members.values())


@pytest.mark.timeout(0 if EXAMPLES else 240)
def test_the_core_holds_whatever_happens_in_whatever_order() -> None:
    Services.met.clear()

    run_state_machine_as_test(
        Services,
        settings=settings(
            max_examples=EXAMPLES or 50,
            stateful_step_count=STEPS_A_RUN,
            phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],
            derandomize=not EXAMPLES,
            database=None,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

    wanted = (*OFTEN, *SELDOM) if EXAMPLES >= 1_000 else OFTEN
    assert not [one for one in wanted if not Services.met[one]], f"never met; met were {Services.met}"
