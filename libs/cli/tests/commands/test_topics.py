"""`crossdock topics` gives a broker what it lacks, and says so when there is none."""

import subprocess
import sys

from crossdock_cli.embedded.launch import free_port
from crossdock_cli.embedded.tansu import TansuBroker
from crossdock_cli.embedded.topics import load_topics


def topics(bootstrap_servers: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crossdock_cli", "topics", bootstrap_servers],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )


async def test_it_is_safe_to_repeat(broker: TansuBroker) -> None:
    again = topics(broker.bootstrap_servers)

    assert again.returncode == 0, again.stderr
    assert again.stderr.startswith(f"{len(load_topics())} topics are there")


def test_without_a_broker_it_fails_with_words() -> None:
    address = f"127.0.0.1:{free_port()}"

    failed = topics(address)

    assert failed.returncode == 1
    assert f"no broker answers at {address}" in failed.stderr
    assert "Traceback" not in failed.stderr
