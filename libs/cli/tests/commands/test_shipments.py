"""What `crossdock shipments` shows and saves, asked of a service."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

SHIPMENT = {
    "labels": [{"number": 1, "label_id": "l-1"}],
    "documents": [
        {"document_id": "d-1", "kind": "label", "media_type": "application/pdf", "erased": False},
        {"document_id": "d-2", "kind": "commercial_invoice", "media_type": "application/pdf", "erased": True},
    ],
}
REFUSAL = {
    "label_id": "l-1",
    "carrier": "post",
    "service": "P",
    "code": "4711",
    "field": None,
    "remedy": "untranslated",
    "next_step": "Read the words.",
    "words": "not on our map",
    "words_erased": False,
}
ANSWERS = {
    "/v1/shipments/s-1": json.dumps(SHIPMENT).encode(),
    "/v1/shipments/s-1/documents/d-1": b"%PDF-1.4 label",
    "/v1/shipments/s-1/labels/l-1/refusal": json.dumps(REFUSAL).encode(),
}


class Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answer = ANSWERS[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    service = HTTPServer(("127.0.0.1", 0), Service)
    serving = threading.Thread(target=service.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{service.server_port}"
    service.shutdown()
    serving.join()
    service.server_close()


def shipments(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crossdock_cli", "shipments", *words],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env={"PATH": "/usr/bin:/bin", "CROSSDOCK_SHIPPING_URL": url, "CROSSDOCK_TOKEN": "t"},
    )


def test_the_papers_that_are_still_there_are_saved(url: str, tmp_path: Path) -> None:
    finished = shipments(url, "documents", "s-1", "--to", str(tmp_path / "print"), "--json")

    assert finished.returncode == 0, finished.stderr
    saved = tmp_path / "print" / "label-d-1.pdf"
    assert json.loads(finished.stdout) == [str(saved)]
    assert saved.read_bytes() == b"%PDF-1.4 label"


def test_a_refusal_is_told_with_the_carriers_words(url: str) -> None:
    finished = shipments(url, "refusal", "s-1", "1")

    assert finished.returncode == 0, finished.stderr
    assert "not on our map" in finished.stdout
    assert "untranslated" in finished.stdout


def test_a_label_that_there_is_not_is_said(url: str) -> None:
    finished = shipments(url, "refusal", "s-1", "2")

    assert finished.returncode == 1
    assert "has no label 2" in finished.stderr
