from dataclasses import replace
from uuid import uuid4

import pytest

from notify_service.domain.errors import IllegalMove
from notify_service.domain.messages import MOVES, Message, MessageState, Template

MESSAGE = Message(uuid4(), "default", uuid4(), Template.SHIPPED, "parcel-1", "email")


@pytest.mark.parametrize("state", list(MessageState))
@pytest.mark.parametrize("target", list(MessageState))
def test_a_move_that_is_not_listed_cannot_happen(state: MessageState, target: MessageState) -> None:
    message = replace(MESSAGE, state=state)

    if target in MOVES[state]:
        assert message.move(target).state is target
    else:
        with pytest.raises(IllegalMove):
            message.move(target)


def test_nothing_leads_from_doubt_back_to_sending_by_itself() -> None:
    after_doubt = MOVES[MessageState.OUTCOME_UNKNOWN]

    assert after_doubt == {MessageState.SENT, MessageState.REPLACED}


def test_the_reference_is_the_same_for_the_same_words_and_no_other() -> None:
    again = replace(MESSAGE, message_id=uuid4())
    others = [
        replace(MESSAGE, subject="parcel-2"),
        replace(MESSAGE, revision=2),
        replace(MESSAGE, template=Template.DELAYED),
        replace(MESSAGE, merchant_id="other"),
    ]

    references = {one.reference for one in others}

    assert again.reference == MESSAGE.reference
    assert len(references | {MESSAGE.reference}) == 5
