"""One marketplace per folder in adapters/marketplaces. A broken folder stops the service at start."""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType, ModuleType

import httpx

from crossdock_chassis.config import InvalidSettings
from order_service.adapters import marketplaces
from order_service.use_cases.marketplace import Marketplace


class BrokenMarketplace(Exception):
    """A folder cannot be used. Arguments: its name, what is wrong."""


def load_marketplaces(
    http: httpx.AsyncClient, package: ModuleType = marketplaces
) -> Mapping[str, Marketplace]:
    """Platform code to marketplace. Raises BrokenMarketplace for an unusable folder, InvalidSettings."""
    found: dict[str, Marketplace] = {}
    for module in pkgutil.iter_modules(package.__path__):
        name = f"{package.__name__}.{module.name}"
        try:
            marketplace = import_module(name).open_marketplace(http)
        except InvalidSettings:
            raise
        except Exception as error:  # whatever is wrong with it, the service must not start without it
            raise BrokenMarketplace(module.name, f"{type(error).__name__}: {error}") from error
        if not isinstance(marketplace, Marketplace) or marketplace.code != module.name:
            raise BrokenMarketplace(
                module.name, "open_marketplace must give a Marketplace named like its folder"
            )
        found[marketplace.code] = marketplace
    return MappingProxyType(found)
