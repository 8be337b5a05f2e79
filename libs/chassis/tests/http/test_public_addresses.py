"""Where a destination that somebody else chose may lead."""

import pytest

from crossdock_chassis.public_addresses import PublicResolver, is_public


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_that_anybody_may_mean(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "0.0.0.0", "169.254.169.254", "100.64.0.1"),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1"),
        *("::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
    ],
)
def test_addresses_of_a_network_of_ones_own(address: str) -> None:
    assert not is_public(address)


async def test_a_name_of_this_machine_leads_nowhere() -> None:
    resolver = PublicResolver()

    with pytest.raises(OSError, match="no public address"):
        await resolver.resolve("localhost", 443)

    await resolver.close()
