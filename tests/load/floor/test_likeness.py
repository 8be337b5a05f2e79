"""Rows written again for another order, from rows that are made up."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from .likeness import Likeness, Taken, likeness

ORDER, OTHER = UUID("01a20306-aa79-73fe-a42d-4a139f2a55c1"), UUID("01a20307-bb80-7abc-9111-222233334444")
LINE, RULE = UUID("01a20306-aa86-73c0-9fc8-309e40b6fc48"), UUID("01a20306-a47a-765f-b885-425f135f7b75")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def a_likeness(*values: object) -> Likeness:
    row = Taken("planned", "shipment", {f"column_{place}": value for place, value in enumerate(values)})
    return likeness(ORDER, {"number": "#A-17"}, [row], foreign=f"of another order: {RULE}")


def the_other(like: Likeness) -> list[object]:
    copy = like.copy(OTHER, {"number": "#A-18"}, NOON)
    (row,) = like.rows["planned"]
    return row.of(copy)


def test_the_orders_id_becomes_the_other_orders_wherever_it_stands() -> None:
    like = a_likeness(ORDER, f'{{"of": "{ORDER}"}}', f'"{ORDER}"'.encode(), ["ce_subject", str(ORDER)])

    assert the_other(like) == [
        OTHER,
        f'{{"of": "{OTHER}"}}',
        f'"{OTHER}"'.encode(),
        ["ce_subject", str(OTHER)],
    ]


def test_its_other_ids_are_the_same_wherever_they_are_needed_and_nobody_elses() -> None:
    line, told = the_other(a_likeness(LINE, f"line {LINE}"))

    assert line not in (LINE, OTHER)
    assert told == f"line {line}"


def test_ids_are_larger_the_later_the_order() -> None:
    like = a_likeness(LINE)
    orders = [UUID(int=(number << 80) + ORDER.int) for number in range(100)]

    ids = [like.rows["planned"][0].of(like.copy(order, {}, NOON))[0] for order in orders]

    assert ids == sorted(ids)


def test_what_another_order_has_as_well_stays() -> None:
    assert the_other(a_likeness(RULE, f"by {RULE}", "DHL", 17, None)) == [RULE, f"by {RULE}", "DHL", 17, None]


def test_texts_of_its_own_are_put_in_and_a_percent_sign_is_kept() -> None:
    assert the_other(a_likeness("100 % of #A-17")) == ["100 % of #A-18"]


def test_a_file_is_nobodys_text() -> None:
    assert the_other(a_likeness(b"%PDF-1.3\n\x93\x8c")) == [b"%PDF-1.3\n\x93\x8c"]


def test_times_of_writing_are_now_and_deadlines_stay() -> None:
    written_at = datetime.now(UTC)
    due_at = written_at + timedelta(days=3)

    assert the_other(a_likeness(written_at, due_at)) == [NOON, due_at]


def test_a_part_of_a_row_has_its_columns_alone() -> None:
    like = a_likeness("DHL", ORDER, "#A-17")

    (part,) = like.part("planned", "shipment", ("column_2", "column_1"))

    assert part.of(like.copy(OTHER, {"number": "#A-18"}, NOON)) == ["#A-18", OTHER]
