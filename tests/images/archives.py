"""What an OCI archive holds."""

import gzip
import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any


def _index(archive: Path) -> tuple[tarfile.TarFile, dict[str, Any]]:
    tar = tarfile.open(archive)  # noqa: SIM115  handed on
    index = tar.extractfile("index.json")
    assert index is not None
    found: dict[str, Any] = json.load(index)
    return tar, found["manifests"][0]


def digest(archive: Path) -> str:
    tar, manifest = _index(archive)
    tar.close()
    return str(manifest["digest"])


def _blob(tar: tarfile.TarFile, digest: str) -> bytes:
    file = tar.extractfile(f"blobs/{digest.replace(':', '/')}")
    assert file is not None
    content = file.read()
    assert hashlib.sha256(content).hexdigest() == digest.removeprefix("sha256:")
    return content


def layer_sizes(archive: Path) -> list[int]:
    """Bytes of each layer's own tar archive: what it takes when it is unpacked, near enough."""
    tar, manifest = _index(archive)
    with tar:
        layers = json.loads(_blob(tar, manifest["digest"]))["layers"]
        return [len(gzip.decompress(_blob(tar, one["digest"]))) for one in layers]
