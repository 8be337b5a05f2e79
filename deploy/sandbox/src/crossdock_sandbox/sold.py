"""The carriers' side of the control API that all share: which labels were sold, and where they go."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.books import PAGE_LIMIT, Books
from crossdock_sandbox.control import problem


def sold_routes(books: Books, sold: str) -> list[Route]:
    """`GET /_sandbox/labels?after=N`, oldest first. `sold` selects from the carrier's own tables: `number` (a
    rising key), `tracking_number`, `reference` (as the buyer gave it), `street` (the first address line) and
    `is_live` (paid for and not taken back).
    """

    async def get_labels(request: Request) -> Response:
        try:
            after = int(request.query_params.get("after", "0"))
        except ValueError:
            return problem(400, "after is a whole number")
        rows = books.all(
            f"SELECT * FROM ({sold}) WHERE number > ? ORDER BY number LIMIT ?",  # noqa: S608 - our own words
            (after, PAGE_LIMIT),
        )
        shown = [{**dict(row), "is_live": bool(row["is_live"])} for row in rows]
        return JSONResponse(
            {"rows": shown, "next_after": rows[-1]["number"] if len(rows) == PAGE_LIMIT else None}
        )

    return [Route("/_sandbox/labels", get_labels, methods=["GET"])]
