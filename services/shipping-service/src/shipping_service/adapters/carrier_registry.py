"""Finds the carriers: every folder of adapters/carriers offers one, and a broken folder stops the start."""

import importlib
import pkgutil
from collections.abc import Collection, Mapping
from types import MappingProxyType

from shipping_service.adapters import carriers
from shipping_service.use_cases.ports import Carrier


class BrokenCarrier(Exception):
    """A folder does not offer what it has to, or settings name a carrier that there is not."""


def load_carriers(wanted: Collection[str], package: str = carriers.__name__) -> Mapping[str, Carrier]:
    """The wanted carriers by code. Every folder is read, so a broken one is found before it is needed.

    Raises BrokenCarrier.
    """
    found = all_carriers(package)
    unknown = sorted(set(wanted) - found.keys())
    if unknown:
        raise BrokenCarrier(f"no carrier {', '.join(unknown)}; there are: {', '.join(sorted(found))}")
    return MappingProxyType({code: found[code] for code in wanted})


def all_carriers(package: str = carriers.__name__) -> Mapping[str, Carrier]:
    """What every folder offers, by code, wanted or not. Raises BrokenCarrier."""
    return {one.code: one for one in map(_read, _folders(package))}


def _folders(package: str) -> list[str]:
    paths = importlib.import_module(package).__path__
    return [f"{package}.{one.name}" for one in pkgutil.iter_modules(paths) if one.ispkg]


def _read(module: str) -> Carrier:
    folder = module.rpartition(".")[2]
    try:
        carrier = importlib.import_module(module).CARRIER
    except AttributeError as error:
        raise BrokenCarrier(f"carrier folder {folder} offers no CARRIER") from error
    except Exception as error:  # the process's edge: whatever is wrong in the folder, say which folder
        raise BrokenCarrier(
            f"carrier folder {folder} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(carrier, Carrier) or carrier.code != folder:
        raise BrokenCarrier(f"carrier folder {folder} offers a CARRIER that is not it")
    return carrier
