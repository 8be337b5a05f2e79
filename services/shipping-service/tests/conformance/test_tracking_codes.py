"""Every member's table of codes beside the rows of tracking_mapping.csv, which README.md describes."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipping_service.adapters.carrier_registry import all_carriers
from shipping_service.domain.tracking import Kind, Meaning, Milestone, Reason, Status

ROWS = Path(__file__).with_name("tracking_mapping.csv")
TABLES = {code: one.tracking.codes for code, one in all_carriers().items() if one.tracking is not None}


def expected() -> Iterator[tuple[str, str, str, Meaning]]:
    with ROWS.open(newline="") as file:
        for row in csv.DictReader(file):
            meaning = Meaning(
                kind=Kind(row["kind"]),
                status=Status(row["status"]) if row["status"] else None,
                reason=Reason(row["reason"]) if row["reason"] else None,
                milestone=Milestone(row["milestone"]) if row["milestone"] else None,
                sure={"yes": True, "no": False}[row["sure"]],
                undoes=tuple(row["undoes"].split()),
            )
            yield row["member"], row["match"], row["code"], meaning


EXPECTED = list(expected())


def test_there_are_rows_for_every_member_that_tells_where_parcels_are() -> None:
    assert {member for member, _, _, _ in EXPECTED} == set(TABLES)


def test_no_row_is_there_twice() -> None:
    keys = [key for *key, _ in EXPECTED]

    assert len({tuple(one) for one in keys}) == len(keys)


@pytest.mark.parametrize(
    ("member", "match", "code", "meaning"), EXPECTED, ids=[f"{one[0]}-{one[1]}-{one[2]}" for one in EXPECTED]
)
def test_a_code_means_what_its_row_says(member: str, match: str, code: str, meaning: Meaning) -> None:
    assert TABLES[member][match][code] == meaning


@pytest.mark.parametrize("member", sorted(TABLES))
def test_a_member_reads_no_code_that_has_no_row(member: str) -> None:
    known = {(match, code) for match, codes in TABLES[member].items() for code in codes}

    assert known == {(match, code) for one, match, code, _ in EXPECTED if one == member}
