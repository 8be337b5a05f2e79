"""SKUs and receipts from a spreadsheet: every line is checked before anything is written."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from crossdock_contracts.inventory import SkuFacts
from inventory_service.domain.because import Because
from inventory_service.domain.catalogue import Sku
from inventory_service.domain.errors import StockError
from inventory_service.domain.level import SELLABLE
from inventory_service.use_cases.ports import Transaction
from inventory_service.use_cases.put_catalogue import put_skus
from inventory_service.use_cases.receive_stock import ReceiptLine, receive_stock

MOST_LINES = 5_000
MOST_ERRORS = 200
LARGEST_NUMBER = 10_000_000

SKU_COLUMNS = (
    "sku",
    "title",
    "weight_g",
    "length_mm",
    "width_mm",
    "height_mm",
    "hs_code",
    "origin_country",
    "customs_description",
    "battery",
    "active",
)
RECEIPT_COLUMNS = ("reference", "warehouse", "sku", "units", "condition")


class UnreadableCsv(StockError):
    """The file as a whole cannot be read: encoding, header, or too many lines."""


@dataclass(frozen=True, slots=True)
class LineError:
    """`line` counts from 1, the header is line 1. `column` is None when it is about the whole line."""

    line: int
    column: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """`written` is 0 with a dry run and when any line is wrong: a file is taken whole or not at all."""

    lines: int
    written: int
    errors: tuple[LineError, ...]


async def import_skus(
    merchant_id: str, content: str, *, because: Because, dry_run: bool, tx: Transaction
) -> Report:
    """Create or replace SKUs. Raises UnreadableCsv."""
    rows = read_csv(content, SKU_COLUMNS, required=("sku", "title"))
    skus: dict[str, Sku] = {}
    errors: list[LineError] = []
    for number, row in rows:
        known = {name: value for name, value in row.items() if value != "" and name != "active"}
        try:
            facts = SkuFacts.model_validate(known)
        except ValidationError as error:
            errors += [
                LineError(number, str(one["loc"][0]) if one["loc"] else None, one["msg"])
                for one in error.errors()
            ]
            continue
        if row.get("active", "") not in {"", "true", "false"}:
            errors.append(LineError(number, "active", "Input should be true or false"))
        elif facts.sku in skus:
            errors.append(LineError(number, "sku", "The SKU stands in the file twice"))
        else:
            skus[facts.sku] = Sku(**facts.model_dump(mode="json"), active=row.get("active") != "false")
    if not errors and not dry_run:
        await put_skus(merchant_id, list(skus.values()), because=because, tx=tx)
    return _report(rows, errors, dry_run)


async def import_receipts(
    merchant_id: str, content: str, *, because: Because, dry_run: bool, tx: Transaction
) -> Report:
    """Book receipts, waiting demand served. Raises UnreadableCsv."""
    rows = read_csv(content, RECEIPT_COLUMNS, required=("reference", "warehouse", "sku", "units"))
    read = [_receipt_line(number, row) for number, row in rows]
    lines = [
        (number, one) for (number, _), one in zip(rows, read, strict=True) if isinstance(one, ReceiptLine)
    ]
    errors = [one for one in read if isinstance(one, LineError)]
    errors += await _refusals(merchant_id, lines, tx)
    if not errors and not dry_run:
        await receive_stock(merchant_id, [line for _, line in lines], because=because, tx=tx)
    return _report(rows, errors, dry_run)


def read_csv(
    content: str, columns: Sequence[str], *, required: Sequence[str]
) -> list[tuple[int, Mapping[str, str]]]:
    """Lines with their numbers, values stripped. RFC 4180 with a header. Raises UnreadableCsv."""
    reader = csv.DictReader(io.StringIO(content.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        if missing := [name for name in required if name not in header]:
            raise UnreadableCsv(f"the header lacks {', '.join(missing)}")
        if unknown := [name for name in header if name not in columns]:
            raise UnreadableCsv(f"the header has unknown columns: {', '.join(unknown)[:200]}")
        reader.fieldnames = header
        rows: list[tuple[int, Mapping[str, str]]] = []
        for row in reader:
            if len(rows) == MOST_LINES:
                raise UnreadableCsv(f"more than {MOST_LINES} lines; send the file in parts")
            if None in row or None in row.values():
                raise UnreadableCsv(f"line {reader.line_num} does not have {len(header)} fields")
            rows.append((reader.line_num, {name: value.strip() for name, value in row.items()}))
    except csv.Error as error:
        raise UnreadableCsv(f"line {reader.line_num}: {error}") from error
    return rows


def _receipt_line(number: int, row: Mapping[str, str]) -> ReceiptLine | LineError:
    for name in ("reference", "warehouse", "sku"):
        if not 1 <= len(row[name]) <= 128:
            return LineError(number, name, "Should have 1 to 128 characters")
    if not (row["units"].isascii() and row["units"].isdecimal() and 0 < int(row["units"]) <= LARGEST_NUMBER):
        return LineError(number, "units", "Should be a whole number above 0")
    return ReceiptLine(
        reference=row["reference"],
        warehouse=row["warehouse"],
        sku=row["sku"],
        units=int(row["units"]),
        condition=row.get("condition") or SELLABLE,
    )


async def _refusals(
    merchant_id: str, lines: Sequence[tuple[int, ReceiptLine]], tx: Transaction
) -> list[LineError]:
    """What booking the lines would be refused for, line by line."""
    codes = {one.code for one in await tx.catalogue.warehouses(merchant_id)}
    skus = await tx.catalogue.skus(merchant_id, {line.sku for _, line in lines})
    booked = await tx.books.received_before(merchant_id, {line.reference for _, line in lines})
    errors: list[LineError] = []
    for number, line in lines:
        place = (line.reference, line.key(merchant_id))
        if line.warehouse not in codes:
            errors.append(LineError(number, "warehouse", "There is no such warehouse"))
        if line.sku not in skus:
            errors.append(LineError(number, "sku", "There is no such SKU"))
        if place in booked:
            errors.append(LineError(number, "reference", "These units were received already"))
        booked.add(place)
    return errors


def _report(rows: Sequence[object], errors: Sequence[LineError], dry_run: bool) -> Report:
    written = 0 if errors or dry_run else len(rows)
    return Report(len(rows), written, tuple(sorted(errors, key=lambda one: one.line)[:MOST_ERRORS]))
