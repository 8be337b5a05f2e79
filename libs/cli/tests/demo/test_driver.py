"""What the demo waits for before it goes on."""

from typing import Any

from crossdock_cli.demo.driver import _has_new_labels


def an_order(street: str, *, revision: int, labels: int) -> dict[str, Any]:
    return {
        "consignee": {"lines": [street, "Apt 2"]},
        "label_revision": revision,
        "parcels": [{"label_revision": labels}],
    }


def test_a_label_of_an_earlier_revision_is_no_new_one_although_it_is_the_newest_so_far() -> None:
    before_the_change_came_in = an_order("Old Street 1", revision=2, labels=2)

    assert not _has_new_labels(before_the_change_came_in, "New Street 2")


def test_new_labels_are_those_of_the_order_with_its_new_address() -> None:
    assert not _has_new_labels(an_order("New Street 2", revision=3, labels=2), "New Street 2")
    assert _has_new_labels(an_order("New Street 2", revision=3, labels=3), "New Street 2")
