from uuid import UUID, uuid4

from crossdock_chassis.jobs import Destination
from crossdock_chassis.lane import CircuitBounds, CircuitState, Lane, Lanes, TokenBucket

BOUNDS = CircuitBounds(failures=3, pause_s=2, max_pause_s=5)


def a_lane(*, concurrency: int = 4, rate_per_s: float | None = None) -> Lane:
    return Lane(Destination("carrier", concurrency, rate_per_s), BOUNDS)


def fail(lane: Lane, times: int, *, now: float) -> None:
    for _ in range(times):
        call(lane, answered=False, now=now)


def call(lane: Lane, *, answered: bool | None, now: float) -> None:
    lease = begin(lane, now=now)
    lane.ended(lease, answered=answered, now=now)


def begin(lane: Lane, *, now: float) -> UUID:
    lease = uuid4()
    lane.started(lease, now)
    return lease


def test_there_is_room_for_as_many_calls_as_may_run_at_once() -> None:
    lane = a_lane(concurrency=2)

    first = begin(lane, now=0)
    assert lane.room(0) == 1
    begin(lane, now=0)
    assert lane.room(0) == 0
    lane.ended(first, answered=True, now=1)

    assert lane.room(1) == 1


def test_a_circuit_opens_after_failures_in_a_row_and_not_after_others() -> None:
    lane = a_lane()

    fail(lane, 2, now=0)
    call(lane, answered=True, now=0)
    fail(lane, 2, now=0)
    call(lane, answered=None, now=0)
    assert lane.circuit.state(0) is CircuitState.CLOSED
    fail(lane, 1, now=0)

    assert lane.circuit.state(0) is CircuitState.OPEN
    assert lane.room(1.9) == 0
    assert lane.opens_in_s(1.5) == 0.5


def test_a_half_open_circuit_lets_one_call_through() -> None:
    lane = a_lane()
    fail(lane, 3, now=0)

    assert lane.room(2) == 1
    begin(lane, now=2)

    assert lane.room(2) == 0


def test_a_probe_that_is_answered_closes_the_circuit() -> None:
    lane = a_lane()
    fail(lane, 3, now=0)

    call(lane, answered=True, now=2)

    assert lane.circuit.state(2) is CircuitState.CLOSED
    assert lane.room(2) == 4


def test_a_probe_that_says_nothing_about_them_leaves_room_for_another() -> None:
    lane = a_lane()
    fail(lane, 3, now=0)

    call(lane, answered=None, now=2)

    assert lane.circuit.state(2) is CircuitState.HALF_OPEN
    assert lane.room(2) == 1


def test_a_circuit_stays_open_longer_each_time_up_to_a_bound() -> None:
    lane = a_lane()
    fail(lane, 3, now=0)

    call(lane, answered=False, now=2)
    assert lane.opens_in_s(2) == 4
    call(lane, answered=False, now=6)
    assert lane.opens_in_s(6) == 5
    call(lane, answered=True, now=11)
    fail(lane, 3, now=20)

    assert lane.opens_in_s(20) == 2


def test_calls_that_began_before_the_circuit_opened_do_not_prolong_it() -> None:
    lane = a_lane()
    late = begin(lane, now=0)
    fail(lane, 3, now=0)

    lane.ended(late, answered=False, now=1.9)

    assert lane.circuit.state(2) is CircuitState.HALF_OPEN


def test_a_bucket_gives_no_more_than_its_rate() -> None:
    bucket = TokenBucket(rate_per_s=50)
    taken = 0

    for step in range(1001):  # one second, looked at every millisecond
        calls = bucket.available(step / 1000)
        bucket.take(calls)
        taken += calls

    assert 50 <= taken <= 55


def test_an_idle_bucket_saves_no_burst() -> None:
    bucket = TokenBucket(rate_per_s=10)
    bucket.available(0)

    assert bucket.available(3600) == 1


def test_a_rate_below_one_a_second_waits_as_long_as_it_takes() -> None:
    lane = a_lane(rate_per_s=0.5)
    assert lane.room(0) == 1
    begin(lane, now=0)

    assert lane.room(0) == 0
    assert lane.opens_in_s(0) == 2
    assert lane.room(2) == 1


def test_a_lane_that_is_held_has_no_room_until_then() -> None:
    lane = a_lane()

    lane.hold(5)
    lane.hold(3)

    assert lane.room(4.9) == 0
    assert lane.opens_in_s(4) == 1
    assert lane.room(5) == 4


def some_lanes(*, most: int = 4) -> Lanes:
    return Lanes([Destination("shopify"), Destination("ebay")], BOUNDS, most=most)


def lane_of(lanes: Lanes, destination: str) -> Lane:
    lane = lanes.of(destination, 0)
    assert lane is not None
    return lane


def test_each_party_of_a_destination_has_a_lane_of_its_own() -> None:
    lanes = some_lanes()

    fail(lane_of(lanes, "shopify:one"), 3, now=0)

    assert lane_of(lanes, "shopify:one").room(0) == 0
    assert lane_of(lanes, "shopify:two").room(0) == 8
    assert lane_of(lanes, "shopify").room(0) == 8
    assert lanes.of("etsy:one", 0) is None
    assert lanes.of("shopifyish", 0) is None
    assert lanes.worst_circuits(0) == {"shopify": CircuitState.OPEN, "ebay": CircuitState.CLOSED}


def test_the_longest_unused_lanes_are_forgotten_before_those_in_trouble_and_never_busy_ones() -> None:
    lanes = some_lanes(most=4)
    begin(lane_of(lanes, "ebay:busy"), now=0)
    fail(lane_of(lanes, "ebay:down"), 3, now=0)
    quiet = lane_of(lanes, "ebay:quiet")
    lane_of(lanes, "ebay:used").hold(1)
    lane_of(lanes, "ebay:down")

    lane_of(lanes, "ebay:new")  # a fifth one

    assert lane_of(lanes, "ebay:busy").busy
    assert lane_of(lanes, "ebay:down").room(0) == 0
    assert lane_of(lanes, "ebay:used").room(0) == 0
    assert lane_of(lanes, "ebay:quiet") is not quiet
