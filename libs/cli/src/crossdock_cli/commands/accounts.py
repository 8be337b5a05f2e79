"""`crossdock accounts`."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from getpass import getpass
from typing import Annotated, Any

import typer

from crossdock_cli.api import Api
from crossdock_cli.commands.options import AsJson, Limit, Reason, pick, talk
from crossdock_cli.errors import CommandFailed, WrongUsage
from crossdock_cli.terminal import notes, print_fields, print_json, print_table

app = typer.Typer(
    no_args_is_help=True,
    help="Shops on marketplaces.\n\nSecrets are never arguments: a command asks for them, or reads them from "
    "standard input, a line each, in the order in which it would ask.",
)

CHECK_S, LOOK_S = 60.0, 0.5

Name = Annotated[str, typer.Argument(help="The account's name, as it stands in its webhooks' address.")]
Options = Annotated[
    list[str] | None, typer.Option("--option", help="NAME=VALUE; `crossdock accounts platforms` names them.")
]


@app.command("platforms")
def list_platforms(*, as_json: AsJson = False) -> None:
    """The platforms there are, what each asks for, and what it can do."""
    platforms = talk(lambda api: api.get("order", "/v1/platforms"))
    if as_json:
        print_json(platforms)
        return
    print_table(
        ["platform", "options", "secrets", "can"],
        [
            [
                one["platform"],
                [_asked(asked) for asked in one["asks"] if not asked["secret"]],
                [_asked(asked) for asked in one["asks"] if asked["secret"]],
                one["can"],
            ]
            for one in platforms
        ],
    )


@app.command("list")
def list_accounts(*, limit: Limit = 200, as_json: AsJson = False) -> None:
    """Every account, by name."""
    found = talk(lambda api: api.items("order", "/v1/accounts", at_most=limit))
    if as_json:
        print_json(found)
        return
    names = ("account", "platform", "shop_ref", "label_source", "active", "paused")
    print_table([name.replace("_", " ") for name in names], [pick(one, *names) for one in found])


@app.command("show")
def show_account(account: Name, *, as_json: AsJson = False) -> None:
    """One account, without its secrets."""
    found = talk(lambda api: api.get("order", f"/v1/accounts/{account}"))
    if as_json:
        print_json(found)
    else:
        print_fields({name.replace("_", " "): value for name, value in found.items()}, title=account)


@app.command("add")
def add_account(
    account: Name,
    platform: Annotated[str, typer.Argument(help="shopify, amazon, ...")],
    shop_ref: Annotated[str, typer.Argument(help="The platform's own id of the shop.")],
    *,
    option: Options = None,
    api_base_url: Annotated[str | None, typer.Option(help="Another address of its API.")] = None,
    domestic: Annotated[
        list[str] | None, typer.Option(help="A country that needs no customs papers: DE. May be repeated.")
    ] = None,
    labels: Annotated[str, typer.Option(help="Who issues labels: carrier or marketplace")] = "carrier",
    refund_on_cancel: Annotated[
        bool,
        typer.Option("--refund-on-cancel", help="Ask for a refund of what we cancel, where that can be."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Connect a shop. Asks for its secrets; then `crossdock accounts check` tries them."""

    async def known(api: Api) -> Any:
        found = {one["platform"]: one for one in await api.get("order", "/v1/platforms")}
        if platform not in found:
            raise CommandFailed(f"there is no platform {platform}; there are: {', '.join(sorted(found))}")
        return found[platform]

    asks = talk(known)
    body = {
        "platform": platform,
        "shop_ref": shop_ref,
        "api_base_url": api_base_url,
        "options": _options(option or []),
        "domestic_countries": domestic or [],
        "label_source": labels,
        "refund_on_cancel": refund_on_cancel,
        **_secrets(asks),
    }
    made = talk(lambda api: api.send("PUT", "order", f"/v1/accounts/{account}", body))
    if as_json:
        print_json(made)
        return
    notes.print(f"{account} is connected. Its webhooks go to /webhooks/{platform}/{account}", markup=False)


@app.command("check")
def check_account(account: Name, *, as_json: AsJson = False) -> None:
    """Ask the platform whether the account's credentials open its shop."""

    async def ask(api: Api) -> Any:
        path = f"/v1/accounts/{account}/check"
        check = await api.send("POST", "order", path)
        async with asyncio.timeout(CHECK_S):
            while check["ended_at"] is None:
                await asyncio.sleep(LOOK_S)
                check = await api.get("order", path)
        return check

    try:
        check = talk(ask)
    except TimeoutError as late:
        raise CommandFailed(f"no answer within {CHECK_S:.0f} s: is order-service's work role up?") from late
    if as_json:
        print_json(check)
    if check["trouble"]:
        raise CommandFailed(check["trouble"])
    notes.print(f"{account}: the credentials open its shop", markup=False)


@app.command("pause")
def pause_account(account: Name, reason: Reason = "paused at the command line") -> None:
    """Make no more calls to its platform until `resume`; what the platform sends is still taken."""
    talk(lambda api: api.send("POST", "order", f"/v1/accounts/{account}/pause", {"reason": reason}))
    notes.print(f"{account} is paused: what is owed to its platform waits", markup=False)


@app.command("resume")
def resume_account(account: Name) -> None:
    """Let the calls that waited go on."""
    talk(lambda api: api.send("POST", "order", f"/v1/accounts/{account}/resumption"))
    notes.print(f"{account} goes on", markup=False)


@app.command("rotate")
def rotate_secrets(
    account: Name,
    *,
    what: Annotated[
        list[str], typer.Option("--secret", help="webhook, access_token, or a named one. May be repeated.")
    ],
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Refuse what the old webhook secret signed, from now on.")
    ] = False,
    reason: Reason = "rotated at the command line",
) -> None:
    """Put new secrets in the place of old ones. Asks for them."""
    given = _ask(what)
    body = {
        "reason": reason,
        "keep_old": not drop_old,
        "webhook_secrets": [given["webhook"]] if "webhook" in given else None,
        "access_token": given.get("access_token"),
        "secrets": {name: one for name, one in given.items() if name not in ("webhook", "access_token")},
    }
    shown = talk(lambda api: api.send("POST", "order", f"/v1/accounts/{account}/rotation", body))
    notes.print(f"{account} takes {shown['webhook_secrets']} webhook secrets now", markup=False)


def _asked(asked: Mapping[str, Any]) -> str:
    return str(asked["name"]) if asked["required"] else f"[{asked['name']}]"


def _options(given: Sequence[str]) -> dict[str, str]:
    options = dict(one.partition("=")[::2] for one in given)
    if any(not value for value in options.values()):
        raise WrongUsage("--option is NAME=VALUE")
    return options


def _secrets(platform: Mapping[str, Any]) -> dict[str, Any]:
    """What the platform's accounts need, asked for one by one; an empty answer leaves one out."""
    named = [one["name"] for one in platform["asks"] if one["secret"]]
    given = _ask([*(["webhook"] if "signed_webhooks" in platform["can"] else []), "access_token", *named])
    return {
        "webhook_secrets": [given["webhook"]] if "webhook" in given else None,
        "access_token": given.get("access_token"),
        "secrets": {name: given[name] for name in named if name in given},
    }


def _ask(names: Sequence[str]) -> dict[str, str]:
    """Secrets from the terminal, unseen, or from the lines of standard input."""
    if sys.stdin.isatty():
        given = {name: getpass(f"{name} (empty: none): ") for name in names}
    else:
        lines = sys.stdin.read().splitlines()
        if len(lines) > len(names):
            raise WrongUsage(f"{len(lines)} lines came for {len(names)} secrets: {', '.join(names)}")
        given = dict(zip(names, lines, strict=False))
    return {name: one for name, one in given.items() if one}
