"""Every operation of every service's description, asked what nobody thought of, by all sorts of people."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from .asking import (
    BOUNDED,
    EXAMPLES,
    Operation,
    ask,
    everything,
    judge,
    known_ids,
    operations,
    path_names,
    schema_of,
)
from .members import Running

EVERY = pytest.mark.parametrize("operation", operations(), ids=str)
#: Of the boundary cases, which are in a fixed order, at most so many.
BOUNDARIES = EXAMPLES * 2

pytestmark = pytest.mark.timeout(300)


@EVERY
def test_whatever_is_asked_the_answer_is_as_described_or_a_problem(
    running: Running, operation: Operation
) -> None:
    member = running[operation.service]
    headers = everything(member)
    made = operation.generated()
    ids = known_ids(member)
    there = {name: ids[name] for name in path_names(operation) if name in ids}
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    strategies = [made.as_strategy(mode) for mode in modes]
    if there:
        strategies += [made.as_strategy(mode, path_parameters=there) for mode in modes]

    @BOUNDED
    @given(case=st.one_of(strategies))
    def answers(case: Any) -> None:
        judge(case, ask(member, case, headers))

    answers()
    schema = schema_of(operation.service)
    boundaries = schema.iter_coverage_cases(
        made, generation_modes=modes, generation_config=schema.config.generation
    )
    for _, case in zip(range(BOUNDARIES), boundaries, strict=False):
        judge(case, ask(member, case, headers))


@EVERY
def test_nobody_gets_in_without_a_token_and_its_scope(running: Running, operation: Operation) -> None:
    member = running[operation.service]
    foreign = member.token("somewhere:read", "somewhere:write")

    @settings(BOUNDED, max_examples=max(2, EXAMPLES // 10))
    @given(case=operation.generated().as_strategy(GenerationMode.POSITIVE))
    def is_refused(case: Any) -> None:
        for headers, status in (({}, 401), ({"Authorization": "Bearer cd_no"}, 401), (foreign, 403)):
            answer = ask(member, case, headers)
            judge(case, answer)
            assert answer.status_code == status

    is_refused()
