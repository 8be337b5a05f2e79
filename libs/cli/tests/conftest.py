import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def fresh_folder(reachable_folder: Path) -> Iterator[Path]:
    """A data folder that does not exist yet, removed after the test."""
    folder = reachable_folder / uuid.uuid4().hex
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
