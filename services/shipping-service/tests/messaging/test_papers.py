"""What we print with a label: on the real job runner, into the real table."""

import hashlib
from dataclasses import replace

from crossdock_contracts.inventory import HandOver
from shipping_service.domain.consignment import BoughtLabel, ConsignmentRequest, Document, DocumentKind
from shipping_service.domain.papers import Papers
from shipping_service.use_cases.ports import Prepared, Unprintable

from ..samples import NEW_YORK, AnOrder
from ..scripted_carrier import Lost, ScriptedCarrier
from ..stage import Stage, names

NUMBER = "RR123456785CN"


class Barren(ScriptedCarrier):
    """Sells a postal number and no document."""

    async def buy(self, request: ConsignmentRequest, prepared: Prepared) -> BoughtLabel:
        return replace(await super().buy(request, prepared), tracking_number=NUMBER, documents=())

    async def find(self, request: ConsignmentRequest, carrier_ref: str | None) -> BoughtLabel | None:
        found = await super().find(request, carrier_ref)
        return None if found is None else replace(found, tracking_number=NUMBER, documents=())


class Jammed:
    def print(self, kind: DocumentKind, papers: Papers) -> Document:
        raise Unprintable("text")


async def printed(stage: Stage) -> list[tuple[str, str]]:
    rows = await stage.rows("select kind, media_type from document order by kind")
    return [(one.kind, one.media_type) for one in rows]


async def test_a_courier_over_a_border_gets_the_invoice_that_it_does_not_make(stage: Stage) -> None:
    said = await stage.labelled(AnOrder(consignee=NEW_YORK))

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    assert await printed(stage) == [("commercial_invoice", "application/pdf"), ("label", "application/pdf")]


async def test_a_postal_parcel_gets_its_declaration_as_well(stage: Stage) -> None:
    stage.capabilities = replace(stage.capabilities, postal=True)

    await stage.labelled(AnOrder(consignee=NEW_YORK))

    assert [kind for kind, _ in await printed(stage)] == [
        "commercial_invoice",
        "customs_declaration",
        "label",
    ]


async def test_at_home_nothing_is_printed(stage: Stage) -> None:
    await stage.labelled(AnOrder())

    assert [kind for kind, _ in await printed(stage)] == ["label"]


async def test_a_carrier_without_labels_gets_ours_and_the_same_one_after_a_lost_answer(stage: Stage) -> None:
    stage.carrier = Barren()
    stage.capabilities = replace(stage.capabilities, makes=frozenset())
    order = AnOrder(hand_over=HandOver.MANUAL)
    stage.carrier.on("buy", Lost(done=True))

    said = await stage.labelled(order)

    assert names(said) == ["parcel.labelled"]
    (row,) = await stage.rows("select content, sha256 from document")
    assert row.content.startswith(b"%PDF-")
    assert hashlib.sha256(row.content).hexdigest() == row.sha256


async def test_a_paper_that_cannot_be_printed_loses_no_label_and_is_shown(stage: Stage) -> None:
    stage.printer = Jammed()
    order = AnOrder(consignee=NEW_YORK)

    said = await stage.labelled(order)

    assert "parcel.labelled" in names(said)
    assert await stage.exceptions(order) == ["papers_not_printed"]
    assert [kind for kind, _ in await printed(stage)] == ["label"]
