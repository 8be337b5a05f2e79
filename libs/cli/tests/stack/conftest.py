"""What surrounds the services of a stack."""

import pytest

from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.stack.keys import Keys
from crossdock_cli.stack.services import SERVICES, Surroundings, port_names


@pytest.fixture
def around() -> Surroundings:
    names = [*port_names(SERVICES, split=True), "shopify", "easypost", "mailbox", "smtp"]
    return Surroundings(
        databases={name: DatabaseUrls(f"owner:{name}", f"app:{name}") for name in SERVICES},
        kafka_bootstrap_servers="127.0.0.1:9092",
        kafka_profile="tansu",
        ports={name: 20_000 + index for index, name in enumerate(names)},
        keys=Keys(),
    )
