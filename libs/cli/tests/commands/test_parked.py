"""What `crossdock parked` asks a service for, seen by a service."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


class Service(HTTPServer):
    """Answers everything with one event given up, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.asked: list[str] = []


class Asked(BaseHTTPRequestHandler):
    server: Service

    def do_DELETE(self) -> None:
        self.server.asked.append(self.path)
        answer = json.dumps({"events": 1}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    serving = threading.Thread(target=service.serve_forever)
    serving.start()
    yield service
    service.shutdown()
    serving.join()
    service.server_close()


def discard(service: Service, *words: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crossdock_cli", "parked", "discard", "notify", "sku/3"]
    environment = {"CROSSDOCK_NOTIFY_URL": f"http://127.0.0.1:{service.server_port}", "CROSSDOCK_TOKEN": "t"}
    return subprocess.run(
        [*command, "--reason", "worthless", *words],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        input=answer,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


def test_a_key_is_discarded_whole_or_one_event_of_it(service: Service) -> None:
    whole = discard(service, "--yes")
    one = discard(service, "--yes", "--event", "7")

    assert (whole.returncode, one.returncode) == (0, 0), one.stderr
    assert service.asked == [
        "/v1/operations/parked/sku%2F3?reason=worthless",
        "/v1/operations/parked/sku%2F3?reason=worthless&n=7",
    ]


def test_nothing_is_discarded_before_a_person_has_agreed(service: Service) -> None:
    refused = discard(service, "--event", "7", answer="n\n")

    assert "event 7 of sku/3 in notify" in refused.stdout + refused.stderr
    assert refused.returncode == 1
    assert service.asked == []
