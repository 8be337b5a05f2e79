"""What one wave sends and what it makes of the answers."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from crossdock_chassis.ids import new_id
from crossdock_chassis.kafka import Kafka
from crossdock_chassis.producer import Producer
from crossdock_chassis.relay_rows import Row
from crossdock_cli.embedded.tansu import TansuBroker

SENT = "notification.sent"


@pytest.fixture
async def producer(kafka: Kafka) -> AsyncIterator[Producer]:
    producer = Producer(kafka, [SENT])
    yield producer
    await producer.close()


def freeze(child: int) -> None:
    """Stop it and wait until it stands: its other threads go on until one of them has taken the signal."""
    os.kill(child, signal.SIGSTOP)
    os.waitid(os.P_PID, child, os.WSTOPPED | os.WNOWAIT)


def a_row(seq: int, key: str, *, size: int = 10) -> Row:
    return Row(0, seq, new_id(), SENT, key, (), b"x" * size)


async def test_a_small_row_does_not_overtake_the_one_that_did_not_fit(
    kafka: Kafka, producer: Producer
) -> None:
    key, most = str(uuid4()), kafka.producer_options()["max_batch_size"]
    rows = [a_row(1, key, size=most * 2 // 3), a_row(2, key, size=most * 2 // 3), a_row(3, key)]
    await producer.look()

    plan = producer.plan(rows, epoch=1)

    assert [one.seq for batch in plan.batches for one in batch.rows] == [1]
    assert plan.refused == {}


async def test_a_broker_that_goes_away_under_a_wave_refuses_nothing(
    producer: Producer, broker: TansuBroker
) -> None:
    await producer.look()
    plan = producer.plan([a_row(1, str(uuid4())), a_row(2, str(uuid4()))], epoch=1)
    await broker.kill()

    report = await producer.send(plan.batches)

    assert report.failed
    assert (report.acked, report.refused) == ([], {})


async def test_a_producer_is_given_up_while_the_broker_still_owes_it_an_answer(
    producer: Producer, broker: TansuBroker
) -> None:
    await producer.look()
    plan = producer.plan([a_row(1, str(uuid4()))], epoch=1)
    await asyncio.to_thread(freeze, broker.pid)
    sending = asyncio.create_task(producer.send(plan.batches))
    await asyncio.sleep(0.3)  # it is on its way by then

    giving_up = asyncio.create_task(producer.give_up("a test"))
    await asyncio.sleep(0.1)
    await broker.kill()  # now the driver puts back what we have given up

    await giving_up
    assert (await sending).failed
