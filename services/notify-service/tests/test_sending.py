"""One message to a mail server that behaves, refuses, puts off, hangs, or takes it and says nothing."""

from uuid import uuid4

import pytest

from crossdock_chassis.jobs import NotSent
from notify_service.adapters.channels.email.channel import EmailChannel
from notify_service.adapters.channels.email.pool import SmtpPool
from notify_service.adapters.rendering import TemplateRenderer
from notify_service.messaging.jobs import ChannelJobs
from notify_service.use_cases.ports import Packed

from .samples import a_snapshot, shipped
from .stage import Stage, email_settings


async def test_a_refused_recipient_is_a_failure_and_nobody_tries_again(stage: Stage) -> None:
    await stage.mailbox.misbehave("RCPT", "refuse")
    await stage.hear(a_snapshot(uuid4()))

    await stage.work()
    again = await stage.work()

    assert await stage.states() == [("order_confirmed", "failed", "smtp_550_5.1.1")]
    assert again == []
    (event,) = await stage.said()
    assert (event.TOPIC, event.outcome_unknown, event.code) == (
        "notification.failed",
        False,
        "smtp_550_5.1.1",
    )
    assert [row.state for row in await stage.rows("select state from job")] == ["refused"]


async def test_a_mail_refused_after_all_of_it_is_a_failure_too(stage: Stage) -> None:
    await stage.mailbox.misbehave("DATA", "refuse")
    await stage.hear(a_snapshot(uuid4()))

    await stage.work()

    assert await stage.states() == [("order_confirmed", "failed", "smtp_554_5.7.1")]


@pytest.mark.parametrize("operation", ["RCPT", "DATA"])
async def test_who_is_put_off_comes_again_and_sends_one_mail(stage: Stage, operation: str) -> None:
    await stage.mailbox.misbehave(operation, "throttle")
    await stage.hear(a_snapshot(uuid4()))

    first = await stage.work()
    between = await stage.states()
    second = await stage.work()

    assert (first, second) == (["not_sent"], ["settled"])
    assert between[0][1] == "waiting"
    assert len(await stage.mailbox.mails()) == 1
    assert await stage.logged() == ["planned", "attempt_started", "not_sent", "attempt_started", "accepted"]


async def test_a_recipient_that_is_put_off_holds_up_no_other(stage: Stage) -> None:
    await stage.mailbox.misbehave("RCPT", "throttle")
    await stage.hear(a_snapshot(uuid4()))
    (job,) = await stage.claim()

    with pytest.raises(NotSent) as put_off:
        await stage.jobs.send(job)

    assert put_off.value.answered


async def test_a_server_that_says_nothing_after_the_mail_leaves_a_question(stage: Stage) -> None:
    await stage.mailbox.misbehave("DATA", "hang", delay_s=5)
    await stage.hear(a_snapshot(uuid4()))

    await stage.work()
    again = await stage.work()

    assert await stage.states() == [("order_confirmed", "outcome_unknown", "no_answer")]
    assert again == []
    (event,) = await stage.said()
    assert (event.TOPIC, event.outcome_unknown) == ("notification.failed", True)


async def test_a_server_that_takes_the_mail_and_drops_the_connection_leaves_a_question_and_one_mail(
    stage: Stage,
) -> None:
    await stage.mailbox.misbehave("DATA", "do_then_drop_connection")
    await stage.hear(a_snapshot(uuid4()))

    await stage.work()
    again = await stage.work()

    assert await stage.states() == [("order_confirmed", "outcome_unknown", "no_answer")]
    assert again == []
    assert len(await stage.mailbox.mails()) == 1


async def test_silence_before_the_mail_is_certainly_not_sent(stage: Stage) -> None:
    await stage.mailbox.misbehave("RCPT", "hang", delay_s=5)
    await stage.hear(a_snapshot(uuid4()))

    first = await stage.work()
    second = await stage.work()

    assert (first, second) == (["not_sent"], ["settled"])
    assert len(await stage.mailbox.mails()) == 1


class Crash(Exception):
    pass


class CrashingChannel(EmailChannel):
    """Hands the mail over and dies with the server's answer in its hands."""

    async def hand_over(self, packed: Packed) -> str:
        await super().hand_over(packed)
        raise Crash


async def test_a_mail_that_was_taken_but_not_stored_is_in_doubt_and_stays_one_mail(stage: Stage) -> None:
    settings = email_settings(stage.mailbox.smtp_port)
    channel = CrashingChannel(SmtpPool(settings), settings)
    await stage.hear(a_snapshot(uuid4()))
    (job,) = await stage.claim()

    with pytest.raises(Crash):
        await ChannelJobs(stage.database, {"email": channel}, TemplateRenderer()).send(job)
    await stage.free(job)
    await stage.work()

    assert await stage.states() == [("order_confirmed", "outcome_unknown", "no_answer_stored")]
    assert len(await stage.mailbox.mails()) == 1
    await channel.close()


async def test_many_mails_go_over_few_connections(stage: Stage) -> None:
    order_id = uuid4()
    await stage.hear(a_snapshot(order_id), *(shipped(order_id, uuid4()) for _ in range(6)))

    await stage.work()

    assert len(await stage.mailbox.mails()) == 7
    assert len(stage.channel._pool._free) == 1
