"""Access tokens: kept, renewed early, and by one at a time."""

import asyncio

import pytest

from shipping_service.adapters.carriers.ups import wire
from shipping_service.adapters.carriers.ups.tests.examples import SAMPLES
from shipping_service.adapters.carriers.ups.tokens import Tokens


class Ups:
    """Gives tokens that are named by their number, as slowly as one turn of the loop."""

    def __init__(self, life_s: float = 14_399) -> None:
        self.life_s = life_s
        self.given = 0
        self.now = 0.0
        self.errors: list[Exception] = []

    async def fetch(self) -> wire.Token:
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop()
        self.given += 1
        return wire.Token(access_token=f"token-{self.given}", expires_in=self.life_s)

    def tokens(self) -> Tokens:
        return Tokens(self.fetch, now=lambda: self.now)


def test_the_life_of_a_token_comes_as_text() -> None:
    token = wire.Token.model_validate_json((SAMPLES / "token.json").read_bytes())

    assert token.expires_in == 14_399
    assert token.access_token not in repr(token)


async def test_a_token_is_asked_for_once_however_many_need_it() -> None:
    ups = Ups()
    tokens = ups.tokens()

    together = await asyncio.gather(*(tokens.current() for _ in range(20)))
    later = await tokens.current()

    assert {*together, later} == {"token-1"}


@pytest.mark.parametrize(("life_s", "kept_until", "renewed_at"), [(14_399, 14_098, 14_100), (400, 199, 201)])
async def test_a_token_is_renewed_before_it_ends(life_s: float, kept_until: float, renewed_at: float) -> None:
    ups = Ups(life_s)
    tokens = ups.tokens()
    await tokens.current()

    ups.now = kept_until
    assert await tokens.current() == "token-1"
    ups.now = renewed_at
    assert await tokens.current() == "token-2"


async def test_a_token_that_is_not_taken_any_more_is_forgotten_and_a_newer_one_is_not() -> None:
    tokens = Ups().tokens()
    old = await tokens.current()

    tokens.forget(old)
    new = await tokens.current()
    tokens.forget(old)

    assert [old, new, await tokens.current()] == ["token-1", "token-2", "token-2"]


async def test_who_waits_for_a_renewal_that_fails_hears_why_and_the_next_tries_anew() -> None:
    ups = Ups()
    ups.errors.append(ConnectionError("gone"))
    tokens = ups.tokens()

    heard = await asyncio.gather(*(tokens.current() for _ in range(5)), return_exceptions=True)

    assert [type(one) for one in heard] == [ConnectionError] * 5
    assert await tokens.current() == "token-1"


async def test_who_gives_up_waiting_does_not_end_the_renewal_for_others() -> None:
    tokens = Ups().tokens()
    one, other = asyncio.create_task(tokens.current()), asyncio.create_task(tokens.current())
    await asyncio.sleep(0)

    one.cancel()

    assert await other == "token-1"
