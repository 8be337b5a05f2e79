import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipping_service.adapters.carrier_registry import BrokenCarrier, load_carriers

GOOD = """
from shipping_service.use_cases.ports import Capabilities, Carrier
CARRIER = Carrier(code="{code}", capabilities=Capabilities(True, True, False), open_gateway=lambda: None)
"""

TELLER = """
from shipping_service.use_cases.ports import Carrier
from shipping_service.use_cases.tracking_port import Tracking
CARRIER = Carrier(code="teller", tracking=Tracking(codes={}, open_tracker=lambda: None))
"""


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An importable package without a carrier in it yet."""
    (tmp_path / "carriers_of_this_test").mkdir()
    (tmp_path / "carriers_of_this_test" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "carriers_of_this_test"
    for name in [one for one in sys.modules if one.startswith("carriers_of_this_test")]:
        del sys.modules[name]


def add(folders: Path, code: str, source: str) -> None:
    (folders / code).mkdir()
    (folders / code / "__init__.py").write_text(source)


def test_the_carriers_of_this_service_can_be_loaded() -> None:
    assert set(load_carriers(["dhl_express", "easypost"])) == {"dhl_express", "easypost"}


def test_a_carrier_may_tell_where_parcels_are_and_sell_no_labels(folders: Path) -> None:
    add(folders, "teller", TELLER)

    teller = load_carriers(["teller"], folders.name)["teller"]

    assert teller.tracking is not None
    assert teller.capabilities is None


def test_only_the_wanted_carriers_are_connected(folders: Path) -> None:
    add(folders, "one", GOOD.format(code="one"))
    add(folders, "two", GOOD.format(code="two"))

    assert set(load_carriers(["two"], folders.name)) == {"two"}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("CARRIER = 1", "offers a CARRIER that is not it"),
        (GOOD.format(code="another"), "offers a CARRIER that is not it"),
        (GOOD.format(code="broken").replace(", open_gateway=lambda: None", ""), "belong together"),
        (GOOD.partition("CARRIER")[0] + "CARRIER = Carrier(code='broken')", "sells labels, tells where"),
        ("", "offers no CARRIER"),
        ("import no_such_module_anywhere", "cannot be imported: ModuleNotFoundError"),
        ("CARRIER = (", "cannot be imported: SyntaxError"),
    ],
)
def test_a_broken_folder_stops_the_start_even_when_nobody_wants_it(
    folders: Path, source: str, said: str
) -> None:
    add(folders, "good", GOOD.format(code="good"))
    add(folders, "broken", source)

    with pytest.raises(BrokenCarrier, match=said) as error:
        load_carriers(["good"], folders.name)

    assert "broken" in str(error.value)


def test_a_carrier_that_there_is_not_is_named_with_those_that_there_are(folders: Path) -> None:
    add(folders, "good", GOOD.format(code="good"))

    with pytest.raises(BrokenCarrier, match="no carrier missing; there are: good"):
        load_carriers(["missing"], folders.name)
