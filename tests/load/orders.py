"""What the bench's orders look like: where they go, and which SKUs they want."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from crossdock_cli.demo.cases import Case, Expected, Sold
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.shop_orders import shop_order
from crossdock_cli.demo.world import GOODS

#: More than the demo's orders have.
LINES_PER_ORDER = 1_000
_COLUMNS = (
    *("sku", "title", "weight_g", "length_mm", "width_mm", "height_mm"),
    *("hs_code", "origin_country", "customs_description"),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """`wants`: places to send to, each with the goods of its lines; orders take them in turn.

    A line wants one unit of one of `variants` SKUs that stand for its goods, these in turn as well.
    """

    wants: Sequence[tuple[str, Sequence[str]]]
    variants: int = 1

    def skus(self) -> Iterator[tuple[str, str]]:
        """All bare SKUs that such orders want, and the goods each stands for."""
        for goods in sorted({name for _, names in self.wants for name in names}):
            for variant in range(self.variants):
                yield _variant(goods, variant), goods

    def case(self, number: int) -> Case:
        """Where the order of that number goes, and the goods of its lines."""
        place, names = self.wants[number % len(self.wants)]
        return Case(number, place, tuple(Sold(name, 1) for name in names), (), Expected("closed", 1))

    def lines(self, run: Run, case: Case) -> Iterator[tuple[int, str, str]]:
        """Of each line the shop's id, its SKU, and the goods it stands for."""
        first_id, first = run.order_id(case) * LINES_PER_ORDER, case.number * len(case.lines)
        for index, sold in enumerate(case.lines):
            yield first_id + index, run.sku(_variant(sold.name, (first + index) % self.variants)), sold.name

    def order(self, run: Run, number: int) -> dict[str, Any]:
        """The shop's order of that number."""
        case = self.case(number)
        order = shop_order(run, case, placed_at=datetime.now(UTC))
        for line, (line_id, sku, _) in zip(order["line_items"], self.lines(run, case), strict=True):
            line["id"], line["sku"] = line_id, sku
        return order


#: Two lines from one warehouse, two thirds inside of its country and one third abroad: one parcel each.
MIXED = Shape((("berlin", ("MUG", "TEE")), ("上海", ("BUDS", "CASE")), ("portland", ("CABLE", "CASE"))))

SKUS = 200
HOT = Shape((("berlin", ("MUG",)),))
#: As hot ones in everything but their SKUs.
SPREAD = Shape(HOT.wants, variants=SKUS)
LONG = Shape((("上海", ("CASE",) * 200),), variants=SKUS)
SHAPES = (MIXED, HOT, SPREAD, LONG)


def _variant(goods: str, number: int) -> str:
    return f"{goods}.{number}" if number else goods


def catalogue(run: Run, shapes: Sequence[Shape]) -> str:
    """The SKUs of such orders as a CSV for inventory-service."""
    text = StringIO()
    table = csv.writer(text)
    table.writerow(_COLUMNS)
    for sku, name in dict(pair for shape in shapes for pair in shape.skus()).items():
        one = GOODS[name]
        table.writerow(
            (run.sku(sku), one.title, one.weight_g, *one.size_mm, one.hs_code, one.origin, one.customs)
        )
    return text.getvalue()
