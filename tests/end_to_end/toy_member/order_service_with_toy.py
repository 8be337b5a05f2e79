"""`python -m order_service` with one folder more among its marketplaces."""

from pathlib import Path

from crossdock_chassis.process import run_service
from order_service.__main__ import build
from order_service.adapters import marketplaces

if __name__ == "__main__":
    marketplaces.__path__.append(str(Path(__file__).parent / "marketplaces"))
    run_service(build)
