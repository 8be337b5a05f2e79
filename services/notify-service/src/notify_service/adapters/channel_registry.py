"""The channels there are: one per folder in adapters/channels. A broken folder stops the service at start."""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType, ModuleType

from notify_service.adapters import channels
from notify_service.use_cases.ports import Channel


class BrokenChannel(Exception):
    """A folder cannot be used. Arguments: its name, what is wrong."""


def load_channels(package: ModuleType = channels) -> Mapping[str, Channel]:
    """Code to channel. Raises BrokenChannel for the first folder that cannot be used."""
    found: dict[str, Channel] = {}
    for module in pkgutil.iter_modules(package.__path__):
        try:
            channel: Channel = import_module(f"{package.__name__}.{module.name}").open_channel()
            code = channel.code
        except Exception as error:  # whatever is wrong with it, the service must not start without it
            raise BrokenChannel(module.name, f"{type(error).__name__}: {error}") from error
        if code != module.name:
            raise BrokenChannel(module.name, "its channel must be named like its folder")
        found[code] = channel
    return MappingProxyType(found)
