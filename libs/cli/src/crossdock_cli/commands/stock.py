"""`crossdock stock`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from crossdock_cli.api import Api
from crossdock_cli.commands.options import AsJson, Limit, Reason, pick, talk
from crossdock_cli.errors import CommandFailed, WrongUsage
from crossdock_cli.terminal import print_json, print_table

app = typer.Typer(no_args_is_help=True, help="What is there, what is promised, what comes in.")

LEVEL = ("sku", "warehouse", "condition", "on_hand", "reserved", "short", "available_to_promise")


@app.command("list")
def list_levels(
    *,
    sku: Annotated[str | None, typer.Option(help="Only this SKU.")] = None,
    warehouse: Annotated[str | None, typer.Option(help="Only this warehouse.")] = None,
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """Every level: on hand, reserved, short, and what may still be promised."""
    levels = talk(
        lambda api: api.items("inventory", "/v1/levels", at_most=limit, sku=sku, warehouse=warehouse)
    )
    _show(levels, as_json=as_json)


@app.command("receive")
def receive(
    warehouse: str,
    sku: str,
    units: Annotated[int, typer.Argument(min=1)],
    *,
    reference: Annotated[str, typer.Option(help="The delivery note; booked once per SKU.")],
    reason: Reason = "received at the command line",
    as_json: AsJson = False,
) -> None:
    """Book goods that arrived. Orders that wait for them are served at once."""
    body = {
        "warehouse": warehouse,
        "reference": reference,
        "lines": [{"sku": sku, "units": units}],
        "reason": reason,
    }
    key = f"receive-{reference}-{warehouse}-{sku}"
    levels = talk(lambda api: api.send("POST", "inventory", "/v1/receipts", body, key=_printable(key)))
    _show(levels["items"], as_json=as_json)


@app.command("import")
def import_csv(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file.")],
    *,
    what: Annotated[str, typer.Option(help="receipts or skus")] = "receipts",
    write: Annotated[bool, typer.Option("--write", help="Write it. Without, it is only checked.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a CSV file line by line, and book it with --write: all lines or none."""
    if what not in ("receipts", "skus"):
        raise WrongUsage("--what is receipts or skus")
    content = file.read_text(encoding="utf-8-sig")

    async def send(api: Api) -> Any:
        return await api.send_text("inventory", f"/v1/{what}.csv", content, "text/csv", dry_run=not write)

    report = talk(send)
    if as_json:
        print_json(report)
    else:
        print_table(
            ["line", "column", "what is wrong"],
            [pick(one, "line", "column", "message") for one in report["errors"]],
            title=f"{report['lines']} lines, {report['written']} written",
        )
    if report["errors"]:
        raise CommandFailed(f"{len(report['errors'])} lines are wrong; nothing was written")


def _show(levels: list[Any], *, as_json: bool) -> None:
    if as_json:
        print_json(levels)
    else:
        print_table([name.replace("_", " ") for name in LEVEL], [pick(one, *LEVEL) for one in levels])


def _printable(key: str) -> str:
    return "".join(one if "!" <= one <= "~" else "_" for one in key)[:255]
