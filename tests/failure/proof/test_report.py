"""What a run is said to have shown, and how it reads."""

import json
from datetime import UTC, datetime

from ..checker import SOMETIMES, Finding, Judgement
from .coverage import rows
from .faults import KINDS
from .page import render
from .recovery import Recovery, Times, times_by_kind
from .report import INVARIANTS, Hit, Report, Verdict, never_injected

EVERYTHING_COMPARED = Judgement(
    looked_at=dict.fromkeys(INVARIANTS, 5), not_applicable={"INV-17": "webhooks do not go out yet"}
)


def a_report(**changes: object) -> Report:
    report = Report(
        seed=7,
        minutes=10,
        replicas=2,
        began_at=datetime(2026, 11, 22, 3, 0, tzinfo=UTC),
        surroundings={"commit": "0123456789ab"},
        finished=True,
        judgement=EVERYTHING_COMPARED,
        sometimes=dict.fromkeys(SOMETIMES, 3),
        coverage=rows(KINDS),
    )
    for name, value in changes.items():
        setattr(report, name, value)
    return report


def a_hit(kind: str, recovered_s: float | None, **changes: object) -> Hit:
    hit = Hit(wave=1, kind=kind, at_s=1.0, hit="order-api-0", took_s=2.0, recovered_s=recovered_s)
    for name, value in changes.items():
        setattr(hit, name, value)
    return hit


def test_recovery_times_are_told_by_kind() -> None:
    seen = [Recovery("cut", 2.0), Recovery("kill", 4.0), Recovery("cut", 8.0), Recovery("cut", 3.0)]

    times = times_by_kind(seen)

    assert times == {"cut": Times(3, 0, 2.0, 3.0, 8.0), "kill": Times(1, 0, 4.0, 4.0, 4.0)}


def test_what_did_not_recover_in_time_is_counted_and_not_averaged() -> None:
    times = times_by_kind([Recovery("cut", None), Recovery("cut", 5.0), Recovery("hang", None)])

    assert times == {"cut": Times(2, 1, 5.0, 5.0, 5.0), "hang": Times(1, 1, None, None, None)}


def test_a_run_without_findings_that_met_everything_holds() -> None:
    assert a_report().verdict is Verdict.HOLDS


def test_one_finding_violates_whoever_found_it() -> None:
    judged = Judgement(looked_at=EVERYTHING_COMPARED.looked_at, findings=[Finding("INV-4", "5 and 6")])

    assert a_report(judgement=judged).verdict is Verdict.VIOLATED
    assert a_report(findings=[Finding("INV-3", "under load")]).verdict is Verdict.VIOLATED


def test_what_does_not_come_to_rest_violates() -> None:
    assert a_report(moving=["order: 3 events in the outbox"]).verdict is Verdict.VIOLATED


def test_a_whole_run_that_missed_something_has_shown_nothing() -> None:
    seen = dict.fromkeys(SOMETIMES, 1) | {"epoch raised": 0}

    assert a_report(sometimes=seen).verdict is Verdict.NOT_SHOWN
    assert a_report(sometimes=seen).unmet == ["epoch raised"]


def test_a_short_run_may_miss_something_and_says_so() -> None:
    report = a_report(sometimes={}, minutes=2)

    assert report.verdict is Verdict.HOLDS
    assert report.as_json()["not_met"] == list(SOMETIMES)


def test_an_invariant_with_nothing_to_compare_counts_as_not_run() -> None:
    judged = Judgement(looked_at={**EVERYTHING_COMPARED.looked_at, "INV-9": 0, "INV-17": 0})
    judged.not_applicable["INV-17"] = "webhooks do not go out yet"

    assert a_report(judgement=judged).unmet == ["INV-9: nothing to compare"]


def test_a_run_that_was_broken_off_shows_nothing_but_what_it_found() -> None:
    assert a_report(finished=False, judgement=None).verdict is Verdict.BROKEN_OFF
    assert a_report(finished=False, findings=[Finding("INV-3", "x")]).verdict is Verdict.VIOLATED


def test_a_fault_that_could_not_be_injected_does_not_count() -> None:
    report = a_report(hits=[a_hit("wires cut", 2.0), a_hit("poison", None, error="KafkaError")])

    assert list(report.recoveries) == ["wires cut"]
    assert never_injected(report, ("wires cut", "poison")) == ["poison"]


def test_the_json_can_be_written_and_names_every_invariant() -> None:
    told = json.loads(json.dumps(a_report(hits=[a_hit("wires cut", 2.04)]).as_json()))

    assert [one["invariant"] for one in told["invariants"]] == list(INVARIANTS)
    assert told["faults"][0]["recovery_median_s"] == 2.0
    assert [row["injected"] for row in told["coverage"] if row["code"] == "F14"] == [1]


def test_the_page_stands_alone_and_begins_with_the_verdict() -> None:
    page = render(a_report(hits=[a_hit("wires cut", 2.0)]).as_json())

    assert page.index("Nothing was lost") < page.index("What must hold")
    assert "http" not in page.replace("http-equiv", "")
    assert "SEED=7" in page


def test_nothing_in_the_page_is_taken_for_markup() -> None:
    finding = Finding("INV-10", "key <script>alert(1)</script> & more")

    page = render(a_report(findings=[finding], hits=[a_hit("<b>", 1.0, hit="<i>")]).as_json())

    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert "<i>" not in page
