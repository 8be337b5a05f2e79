import sys
from pathlib import Path
from types import ModuleType

import pytest

from notify_service.adapters import channels
from notify_service.adapters.channel_registry import BrokenChannel, load_channels


def _package(folder: Path, name: str, **channels: str) -> ModuleType:
    """A package of channels, made of source text."""
    for channel, source in channels.items():
        (folder / name / channel).mkdir(parents=True)
        (folder / name / channel / "__init__.py").write_text(source)
    (folder / name / "__init__.py").touch()
    sys.path.insert(0, str(folder))
    try:
        return __import__(name)
    finally:
        sys.path.remove(str(folder))


def test_every_folder_is_a_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANNEL_EMAIL_HOST", "127.0.0.1")
    monkeypatch.setenv("CHANNEL_EMAIL_SENDER", "orders@lumo-demo.example")

    found = load_channels()

    assert set(found) == {Path(one).name for one in Path(channels.__path__[0]).glob("[a-z]*/")}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("broken_one", "raise RuntimeError('half written')"),
        ("broken_two", "def open_channel(): return object()"),
        ("broken_three", ""),
    ],
)
def test_a_broken_folder_stops_the_start_and_is_named(tmp_path: Path, name: str, source: str) -> None:
    package = _package(tmp_path, f"channels_{name}", pigeon=source)

    with pytest.raises(BrokenChannel, match="pigeon"):
        load_channels(package)
