import pytest

from notify_service.domain.addresses import fingerprint, mailbox, masked


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("joerg@example.com", "joerg@example.com"),
        ("  joerg+shop@Example.COM ", "joerg+shop@example.com"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("jörg@example.com", None),
        ("joerg@localhost", None),
        ("joerg", None),
        ("@example.com", None),
        ("a@b@example.com", None),
        ('"a b"@example.com', None),
        ("a@example.com\r\nBcc: x@example.com", None),
        ("a@example.com>", None),
        ("a..b@example.com", None),
        ("a@-example.com", None),
        ("a@" + "b" * 64 + ".com", None),
        ("a" * 65 + "@example.com", None),
    ],
)
def test_only_addresses_that_every_server_takes_are_written_to(given: str, expected: str | None) -> None:
    found = mailbox(given)

    assert found == expected


def test_a_masked_address_shows_its_domain_and_first_letter() -> None:
    shown = [masked(one) for one in ("joerg@example.com", "nonsense", None)]

    assert shown == ["j***@example.com", "***", None]


def test_the_fingerprint_of_an_address_does_not_care_how_it_is_typed() -> None:
    one, other = fingerprint("Joerg@Example.com "), fingerprint("joerg@example.com")

    assert one == other
