"""`crossdock shipments`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from crossdock_cli.api import Api
from crossdock_cli.commands.options import AsJson, Limit, order_id_of, pick, talk
from crossdock_cli.errors import CommandFailed
from crossdock_cli.terminal import print_fields, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="What leaves which warehouse, with which label.")


@app.command("list")
def list_shipments(
    *,
    state: Annotated[str | None, typer.Option(help="planned, buying, labelled, needs_repair, ...")] = None,
    order: Annotated[str | None, typer.Option(help="Only of this order.")] = None,
    warehouse: Annotated[str | None, typer.Option(help="Only from this warehouse.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """The newest first."""

    async def read(api: Api) -> list[Any]:
        order_id = await order_id_of(api, order) if order else None
        return await api.items(
            "shipping", "/v1/shipments", at_most=limit, state=state, order_id=order_id, warehouse=warehouse
        )

    shipments = talk(read)
    if as_json:
        print_json(shipments)
        return
    names = (
        "order_number",
        "warehouse",
        "state",
        "carrier",
        "tracking_number",
        "parcel_status",
        "trouble_code",
        "shipment_id",
    )
    print_table([name.replace("_", " ") for name in names], [pick(one, *names) for one in shipments])


@app.command("show")
def show_shipment(shipment: str, *, as_json: AsJson = False) -> None:
    """One shipment: why this carrier, which labels, what stands against its leaving."""
    found = talk(lambda api: api.get("shipping", f"/v1/shipments/{shipment}"))
    if as_json:
        print_json(found)
        return
    names = (
        *("order_number", "order_state", "warehouse", "state", "carrier", "service"),
        *(
            "trouble_code",
            "trouble_field",
            "trouble_remedy",
            "hand_over_blocked",
            "planned_at",
            "handed_over_at",
        ),
    )
    print_fields({name.replace("_", " "): found[name] for name in names}, title=found["shipment_id"])
    print_table(
        ["rule", "because"], [pick(one, "name", "because") for one in found["rules_tried"]], title="\nrules"
    )
    print_table(
        ["SKU", "units", "state"],
        [pick(one, "sku", "units", "state") for one in found["items"]],
        title="\nitems",
    )
    print_table(
        ["label", "carrier", "service", "state", "refused for", "remedy", "tracking number", "cost"],
        [
            [
                *pick(
                    one, "number", "carrier", "service", "state", "refusal_code", "remedy", "tracking_number"
                ),
                _cost(one),
            ]
            for one in found["labels"]
        ],
        title="\nlabels",
    )
    print_table(
        ["parcel", "told by", "status", "reason", "since"],
        [pick(one, "tracking_number", "tracker", "status", "reason", "since") for one in found["parcels"]],
        title="\nparcels",
    )


@app.command("scans")
def show_scans(shipment: str, *, limit: Limit = 50, as_json: AsJson = False) -> None:
    """What the carrier has told of a shipment's parcels, the oldest first."""
    scans = talk(lambda api: api.items("shipping", f"/v1/shipments/{shipment}/scans", at_most=limit))
    if as_json:
        print_json(scans)
        return
    names = ("at", "status", "reason", "city", "country", "raw_code", "tracking_number")
    print_table([name.replace("_", " ") for name in names], [pick(one, *names) for one in scans])


@app.command("refusal")
def show_refusal(shipment: str, label: int, *, as_json: AsJson = False) -> None:
    """Why the label of this number was refused, in the carrier's own words. They may name a person."""

    async def read(api: Api) -> Any:
        found = await api.get("shipping", f"/v1/shipments/{shipment}")
        ids = [one["label_id"] for one in found["labels"] if one["number"] == label]
        if not ids:
            raise CommandFailed(f"shipment {shipment} has no label {label}")
        return await api.get("shipping", f"/v1/shipments/{shipment}/labels/{ids[0]}/refusal")

    refusal = talk(read)
    if as_json:
        print_json(refusal)
        return
    names = ("carrier", "service", "code", "field", "remedy", "next_step", "words", "words_erased")
    print_fields({name.replace("_", " "): refusal[name] for name in names}, title=refusal["label_id"])


@app.command("documents")
def save_documents(
    shipment: str,
    *,
    to: Annotated[Path, typer.Option(help="The folder to save them in.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Save the label and every other paper of a shipment. They show an address: handle them so."""

    async def read(api: Api) -> list[tuple[str, bytes]]:
        found = await api.get("shipping", f"/v1/shipments/{shipment}")
        path = f"/v1/shipments/{shipment}/documents"
        return [
            (_file_name(one), await api.download("shipping", f"{path}/{one['document_id']}"))
            for one in found["documents"]
            if not one["erased"]
        ]

    files = talk(read)
    to.mkdir(parents=True, exist_ok=True)
    for name, content in files:
        (to / name).write_bytes(content)
    if as_json:
        print_json([str(to / name) for name, _ in files])
    else:
        print_table(["file", "bytes"], [[str(to / name), len(content)] for name, content in files])


@app.command("hand-over")
def hand_over(
    shipments: Annotated[list[str], typer.Argument(help="Shipment ids.")], *, as_json: AsJson = False
) -> None:
    """Say that shipments have left. One that left before has left."""
    body = {"shipment_ids": shipments}
    results = talk(lambda api: api.send("POST", "shipping", "/v1/shipments/hand-over", body))["results"]
    if as_json:
        print_json(results)
    else:
        print_table(
            ["shipment", ""], [[one["shipment_id"], one["refused"] or "handed over"] for one in results]
        )
    refused = sum(one["refused"] is not None for one in results)
    if refused:
        raise CommandFailed(f"{refused} of {len(results)} must not leave")


def _file_name(document: dict[str, Any]) -> str:
    extension = document["media_type"].rpartition("/")[2]
    return f"{document['kind']}-{document['document_id']}.{extension}"


def _cost(label: dict[str, Any]) -> str | None:
    if label["cost_minor"] is None:
        return None
    return f"{label['cost_minor'] / 10 ** label['cost_exponent']:.2f} {label['cost_currency']}"
