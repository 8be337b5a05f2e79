"""`crossdock messages`: what marketplaces sent, as it came."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from crossdock_cli.api import Api, Refused
from crossdock_cli.commands.options import AsJson, Limit, Reason, order_id_of, pick, talk
from crossdock_cli.errors import CommandFailed
from crossdock_cli.terminal import notes, out, print_fields, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="What marketplaces sent, as it came.")

State = Annotated[str | None, typer.Option(help="imported, unchanged, stale, fetching, ignored or failed")]
OfOrder = Annotated[str | None, typer.Option("--order", help="Only of this order.")]


@app.command("list")
def list_messages(
    *, state: State = None, order: OfOrder = None, limit: Limit = 50, as_json: AsJson = False
) -> None:
    """The newest first, without their bodies."""
    found = talk(lambda api: _messages(api, state, order, limit))
    if as_json:
        print_json(found)
        return
    names = ("received_at", "account", "topic", "state", "error", "message_id")
    print_table([name.replace("_", " ") for name in names], [pick(one, *names) for one in found])


@app.command("show")
def show_message(
    message: Annotated[str, typer.Argument(help="Its id; `crossdock messages list` has it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """One message with its body, which is personal data."""
    found = talk(lambda api: api.get("order", f"/v1/messages/{message}"))
    if as_json:
        print_json(found)
        return
    print_fields({name.replace("_", " "): value for name, value in found.items() if name != "body"})
    out.print(found["body"], markup=False, soft_wrap=True)


@app.command("replay")
def replay(
    messages: Annotated[list[str] | None, typer.Argument(help="Ids; without any, those of --state.")] = None,
    *,
    state: State = "failed",
    order: OfOrder = None,
    write: Annotated[bool, typer.Option("--write", help="Do it. Without, it is only shown.")] = False,
    limit: Limit = 200,
    reason: Reason = "replayed at the command line",
    as_json: AsJson = False,
) -> None:
    """Read messages once more, after a mapping, an account or a SKU map was mended.

    Shows what would change; --write does it. What the platform has said since then still wins.
    """

    async def play(api: Api) -> list[dict[str, Any]]:
        ids = messages or [one["message_id"] for one in await _messages(api, state, order, limit)]
        # The oldest first: a newer word of the platform finds the older one there.
        return [await _replay(api, one, reason if write else None) for one in sorted(ids)]

    played = talk(play)
    if as_json:
        print_json(played)
    else:
        print_table(
            ["message", "outcome", "what would change" if not write else "what changed"],
            [[one["message_id"], one["outcome"], _in_words(one)] for one in played],
        )
    failed = [one for one in played if one["outcome"] == "failed"]
    if failed:
        raise CommandFailed(f"{len(failed)} of {len(played)} cannot be imported")
    if not write and played:
        notes.print("nothing was changed: --write does it")


async def _messages(api: Api, state: str | None, order: str | None, limit: int) -> list[Any]:
    order_id = await order_id_of(api, order) if order else None
    return await api.items("order", "/v1/messages", at_most=limit, state=state, order_id=order_id)


async def _replay(api: Api, message: str, reason: str | None) -> dict[str, Any]:
    """`reason` None: only look."""
    path = f"/v1/messages/{message}"
    try:
        seen = await api.send("POST", "order", f"{path}/preview")
        if reason is not None:
            await api.send("POST", "order", f"{path}/reimport", {"reason": reason})
    except Refused as refused:
        if refused.status != 422:
            raise
        return {"message_id": message, "outcome": "failed", "differences": [], "error": str(refused)}
    return {"message_id": message, **seen, "error": None}


def _in_words(played: Mapping[str, Any]) -> str:
    if played["error"]:
        return str(played["error"])
    return "; ".join(_change(one) for one in played["differences"]) or "nothing"


def _change(one: Mapping[str, Any]) -> str:
    if one["before"] is None and one["after"] is None:
        return f"{one['what']} (personal)"
    return f"{one['what']}: {one['before'] or '-'} -> {one['after'] or '-'}"
