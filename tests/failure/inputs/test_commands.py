"""The command line beside the real order-service: accounts and raw messages, as a person handles them."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import httpx
import pytest

from crossdock_chassis.ids import new_id
from crossdock_cli.main import main

from .members import Member, Running
from .shop import SECRET, delivery_headers, order_body

ADD = ("accounts", "add", "lumo", "shopify", "lumo-commands.myshopify.com", "--domestic", "US")


@pytest.fixture
def order(running: Running) -> Member:
    return running["order"]


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@dataclass
class Person:
    """Types commands, each from its first word to its exit code."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def types(self, *words: str, lines: Sequence[str] = ()) -> Ended:
        self.monkeypatch.setattr(sys, "argv", ["crossdock", *words])
        self.monkeypatch.setattr(sys, "stdin", StringIO("".join(f"{line}\n" for line in lines)))
        with pytest.raises(SystemExit) as ended:
            main()
        said = self.capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    def sees(self, *words: str) -> Any:
        ended = self.types(*words, "--json")
        assert ended.code == 0, ended.err
        return json.loads(ended.out)


@pytest.fixture
def anna(order: Member, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Person:
    """Of a merchant of her own, so that what she sees listed is what her test has made."""
    header = order.token(merchant=f"m-{new_id()}")["Authorization"]
    monkeypatch.setenv("CROSSDOCK_ORDER_URL", order.url)
    monkeypatch.setenv("CROSSDOCK_TOKEN", header.removeprefix("Bearer "))
    return Person(monkeypatch, capsys)


def test_a_shop_is_connected_paused_resumed_and_its_secret_rotated(anna: Person) -> None:
    added = anna.types(*ADD, lines=[SECRET, "shpat_of_the_tests"])
    assert added.code == 0, added.err
    assert "/webhooks/shopify/lumo" in added.err
    (account,) = anna.sees("accounts", "list")
    assert (account["account"], account["webhook_secrets"], account["paused"]) == ("lumo", 1, None)

    anna.types("accounts", "pause", "lumo", "--reason", "prices are wrong")
    assert anna.sees("accounts", "show", "lumo")["paused"] == "prices are wrong"
    anna.types("accounts", "resume", "lumo")
    assert anna.sees("accounts", "show", "lumo")["paused"] is None

    rotated = anna.types("accounts", "rotate", "lumo", "--secret", "webhook", lines=["shpss_new"])
    assert rotated.code == 0, rotated.err
    assert anna.sees("accounts", "show", "lumo")["webhook_secrets"] == 2
    assert "shpss" not in added.out + added.err + rotated.out + rotated.err


@pytest.mark.parametrize(
    ("words", "lines", "said"),
    [
        (("accounts", "add", "x", "etsy", "x"), (), "there is no platform etsy; there are: "),
        (("accounts", "add", "x", "shopify", "x"), (), "is missing (webhook_secrets)"),
        (("accounts", "add", "x", "shopify", "x", "--option", "y"), ("s",), "--option is NAME=VALUE"),
        (("accounts", "add", "x", "shopify", "x", "--option", "y=1"), ("s",), "knows no option y"),
        (("accounts", "add", "x", "shopify", "x"), ("a", "b", "c"), "3 lines came for 2 secrets"),
        (("accounts", "check", "nobody"), (), "404"),
        (("accounts", "rotate", "nobody", "--secret", "webhook"), ("s",), "404"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    anna: Person, words: Sequence[str], lines: Sequence[str], said: str
) -> None:
    done = anna.types(*words, lines=lines)

    assert done.code in (1, 2)
    assert said in done.err
    assert "Traceback" not in done.err


def test_messages_are_listed_shown_and_replayed_only_with_write(anna: Person, order: Member) -> None:
    anna.types("accounts", "add", "luma", "shopify", "luma.myshopify.com", lines=[SECRET, "t"])
    body = json.dumps(order_body(id="no number")).encode()
    headers = delivery_headers(body, "luma.myshopify.com")
    assert httpx.post(f"{order.url}/webhooks/shopify/luma", content=body, headers=headers).status_code == 200

    (message,) = anna.sees("messages", "list", "--state", "failed")
    shown = anna.types("messages", "show", message["message_id"])
    assert '"no number"' in shown.out
    tried = anna.types("messages", "replay")
    assert tried.code == 1
    assert "1 of 1 cannot be imported" in tried.err

    body = json.dumps(order_body()).encode()
    headers = delivery_headers(body, "luma.myshopify.com")
    httpx.post(f"{order.url}/webhooks/shopify/luma", content=body, headers=headers)
    looked = anna.types("messages", "replay", "--state", "imported")
    assert looked.code == 0, looked.err
    assert "nothing was changed: --write does it" in looked.err
    written = anna.types("messages", "replay", "--state", "imported", "--write")
    assert written.code == 0, written.err
    (replayed,) = [one for one in anna.sees("messages", "list") if one["state"] == "unchanged"]
    assert replayed["error"] is None
