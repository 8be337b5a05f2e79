"""`python -m order_service.adapters.marketplaces.generic.schema`: write the order's JSON Schema."""

import json
from pathlib import Path

from order_service.adapters.marketplaces.generic.wire import Order

PATH = Path(__file__).with_name("order.schema.json")


def render() -> str:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Order.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
