"""Imports every module of ours, but for those that start something by it, and prints their names."""

import sys
from importlib import import_module
from pkgutil import walk_packages

for module in walk_packages([folder for folder in sys.path if folder.startswith("/app/")]):
    if not module.name.endswith(".__main__"):
        import_module(module.name)
        print(module.name)
