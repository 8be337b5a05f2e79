"""`crossdock parked` and `crossdock rebuild`: what operators do when something went wrong."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from crossdock_cli.commands.options import AsJson, Reason, Service, pick, talk
from crossdock_cli.errors import CommandFailed
from crossdock_cli.terminal import notes, out, print_json, print_table

parked = typer.Typer(no_args_is_help=True, help="Events that rest because of an error.")

Key = Annotated[str, typer.Argument(help="The parked key: an order id or a SKU.")]


@parked.command("list")
def list_parked(service: Service, *, as_json: AsJson = False) -> None:
    """What rests in a service, grouped by what it failed with."""
    page = talk(lambda api: api.get(service, "/v1/operations/parked", limit=200))
    if as_json:
        print_json(page)
        return
    if not page["items"]:
        notes.print(f"nothing rests in {service}")
        return
    grouped = ("error_type", "error_text", "keys", "events", "since", "fingerprint")
    print_table([name.replace("_", " ") for name in grouped], [pick(one, *grouped) for one in page["groups"]])
    names = ("key", "error_type", "attempts", "events", "since")
    print_table(
        [name.replace("_", " ") for name in names],
        [pick(one, *names) for one in page["items"]],
        title="\nkeys",
    )


@parked.command("show")
def show_parked(service: Service, key: Key) -> None:
    """A key and its first events, without personal data; always JSON."""
    print_json(talk(lambda api: api.get(service, f"/v1/operations/parked/{quote(key, safe='')}")))


@parked.command("replay")
def replay(
    service: Service,
    key: Annotated[str | None, typer.Argument(help="The parked key.")] = None,
    *,
    fingerprint: Annotated[str | None, typer.Option(help="All keys of one group instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hand the events to their handlers again, in order. Safe to repeat."""
    if (key is None) == (fingerprint is None):
        raise typer.BadParameter("give either a key or --fingerprint")
    if key is not None:
        path = f"/v1/operations/parked/{quote(key, safe='')}/replay"
        results = [talk(lambda api: api.send("POST", service, path))]
    else:
        body = {"fingerprint": fingerprint}
        results = talk(lambda api: api.send("POST", service, "/v1/operations/parked/replay", body))["results"]
    if as_json:
        print_json(results)
    else:
        print_table(
            ["key", "applied", "left", "error"],
            [[*pick(one, "key", "applied", "left", "error")] for one in results],
        )
    if any(one["left"] for one in results):
        raise CommandFailed("some events still fail; `crossdock parked show` has them")


@parked.command("discard")
def discard(
    service: Service,
    key: Key,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record. No personal data.")],
    *,
    event: Annotated[
        int | None,
        typer.Option("--event", help="Only the event with this `n`; `crossdock parked show` has it."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Give up a key's parked events for good, or one that nobody can read; then replay the rest."""
    if not yes:
        what = "the parked events" if event is None else f"event {event}"
        typer.confirm(f"Give up {what} of {key} in {service} for good?", abort=True)
    path = f"/v1/operations/parked/{quote(key, safe='')}"
    params = {"reason": reason} | ({} if event is None else {"n": str(event)})
    done: Any = talk(lambda api: api.send("DELETE", service, path, params=params))
    out.print(f"{done['events']} events given up")


@parked.command("settle")
def settle(
    service: Service,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record. No personal data.")],
    key: Annotated[str | None, typer.Argument(help="The key: an order id or a SKU.")] = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="All keys that a restore parked, the first 1000 of them.")
    ] = False,
) -> None:
    """Give up the events that a restore took back, and handle what waited for that.

    When you have seen to what `crossdock parked show` tells of the key. Safe to repeat.
    """
    if (key is None) != everything:
        raise typer.BadParameter("give either a key or --all")
    body = {"reason": reason, "key": key, "max_keys": 1000}
    results = talk(lambda api: api.send("POST", service, "/v1/operations/lost-events/settle", body))[
        "results"
    ]
    print_table(
        ["key", "applied", "left", "error"],
        [[*pick(one, "key", "applied", "left", "error")] for one in results],
    )
    if any(one["error"] for one in results):
        raise CommandFailed("some events fail; `crossdock parked show` has them")
    if any(one["left"] for one in results):
        raise CommandFailed("some wait for a call whose outcome a person has to tell; then settle them again")


def rebuild(service: Service, *, reason: Reason = "asked for at the command line") -> None:
    """Have a service write its log anew from its event log, under the next epoch.

    For a broker that lost records without telling. Readers drop what they have handled already.
    """
    asked = talk(lambda api: api.send("POST", service, "/v1/operations/rebuild", {"reason": reason}))
    notes.print(f"asked for; epoch {asked['epoch']} is given up. `crossdock status` shows how far it is.")
