"""`crossdock orders`."""

from typing import Annotated, Any

import typer

from crossdock_cli.api import Api
from crossdock_cli.commands.options import AsJson, Limit, Reason, order_id_of, pick, talk
from crossdock_cli.terminal import out, print_fields, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="What buyers ordered, and how far it is.")

OrderRef = Annotated[str, typer.Argument(help="Our id, the marketplace's id, or the order number.")]


@app.command("list")
def list_orders(
    *,
    status: Annotated[str | None, typer.Option(help="open, held, cancelling, cancelled, closed")] = None,
    hold: Annotated[str | None, typer.Option(help="Only those held for this reason.")] = None,
    account: Annotated[str | None, typer.Option(help="Only of this marketplace account.")] = None,
    sku: Annotated[str | None, typer.Option(help="Only with this SKU, ours or theirs.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """The newest first."""
    wanted = {"status": status, "hold": hold, "account": account, "sku": sku}
    orders = talk(lambda api: api.items("order", "/v1/orders", at_most=limit, **wanted))
    if as_json:
        print_json(orders)
        return
    print_table(
        ["number", "account", "status", "why it waits", "progress", "order id"],
        [
            pick(one, "order_number", "account", "status", "hold_reasons", "progress", "order_id")
            for one in orders
        ],
    )


@app.command("show")
def show_order(order: OrderRef, *, as_json: AsJson = False) -> None:
    """Everything about one order: its buyer's address, too."""

    async def read(api: Api) -> dict[str, Any]:
        found: dict[str, Any] = await api.get("order", f"/v1/orders/{await order_id_of(api, order)}")
        return found

    found = talk(read)
    if as_json:
        print_json(found)
        return
    consignee = found["consignee"] or {}
    print_fields(
        {
            "order id": found["order_id"],
            "marketplace": f"{found['platform']} {found['account']} {found['external_id']}",
            "status": found["status"],
            "waits for": [f"{one['reason']} ({one['detail']})" for one in found["holds"]],
            "progress": found["progress"],
            "payment": found["payment"],
            "ship by": found["ship_by"],
            "goes to": [consignee.get("name"), *consignee.get("lines", ()), consignee.get("city"),
                        consignee.get("postal_code"), consignee.get("country")],
        },
        title=found["order_number"],
    )  # fmt: skip
    print_table(
        ["line", "SKU", "sold as", "units"],
        [pick(one, "title", "sku", "external_sku", "units") for one in found["lines"]],
        title="\nlines",
    )
    print_table(
        ["parcel", "warehouse", "carrier", "state"],
        [pick(one, "tracking_number", "warehouse", "carrier", "state") for one in found["parcels"]],
        title="\nparcels",
    )


@app.command("timeline")
def show_timeline(order: OrderRef, *, as_json: AsJson = False) -> None:
    """What happened to an order, from the beginning."""

    async def read(api: Api) -> list[Any]:
        return await api.items("order", f"/v1/orders/{await order_id_of(api, order)}/timeline")

    entries = talk(read)
    if as_json:
        print_json(entries)
        return
    print_table(
        ["at", "what", "", "who", "why"],
        [
            [one["at"], one["what"], one["detail"], f"{one['actor_kind']} {one['actor_name']}", one["reason"]]
            for one in entries
        ],
    )


@app.command("cancel")
def cancel_order(order: OrderRef, reason: Reason = "asked for at the command line") -> None:
    """Ask for an order to stop. What has left cannot be taken back; the status tells what came of it."""
    _command(order, "cancellation", {"reason": reason})


@app.command("hold")
def hold_order(order: OrderRef, reason: Reason = "held at the command line") -> None:
    """Nothing more leaves until it is released."""
    _command(order, "hold", {"reason": reason})


@app.command("release")
def release_order(
    order: OrderRef,
    hold: Annotated[str, typer.Option(help="Which reason to wait is given up.")] = "manual",
    reason: Reason = "released at the command line",
) -> None:
    """Go on in spite of one reason to wait."""
    _command(order, "release", {"reason": reason, "hold": hold})


def _command(order: str, command: str, body: dict[str, str]) -> None:
    async def send(api: Api) -> Any:
        return await api.send("POST", "order", f"/v1/orders/{await order_id_of(api, order)}/{command}", body)

    found = talk(send)
    out.print(f"{found['order_number']} is {found['status']}", markup=False)
