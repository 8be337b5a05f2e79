"""Templates, and what they look like filled in."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from crossdock_chassis.http import Page
from notify_service.api.dependencies import Database, Reader, Renderer
from notify_service.api.models import Locale, PreviewAsked, PreviewShown, SampleGiven, TemplateShown
from notify_service.domain.errors import TemplateUnknown
from notify_service.domain.goods import Goods
from notify_service.domain.languages import LANGUAGES
from notify_service.domain.messages import Template
from notify_service.persistence.transaction import NotifyDatabase
from notify_service.use_cases.ports import Renderer as RendererPort
from notify_service.use_cases.preview_letter import Changes, Preview, preview_order, preview_sample

router = APIRouter(prefix="/v1/templates", tags=["templates"])

#: Even its own links do nothing: the page is a picture of a mail, on the address of an API.
PREVIEW_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


_PAGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {one: {"schema": {"type": "string"}} for one in ("text/html", "text/plain")}}
}


@router.get("")
async def get_templates(_: Reader) -> Page[TemplateShown]:
    """What there is to say, and in which languages."""
    languages = [one.tag for one in LANGUAGES.values()]
    return Page(items=[TemplateShown(template=one, languages=languages) for one in Template])


@router.post("/{template}/preview")
async def post_preview(
    template: str, body: PreviewAsked, principal: Reader, database: Database, renderer: Renderer
) -> PreviewShown:
    """The subject, the HTML and the text of a message, without sending anything."""
    changes = _changes(body.sample or SampleGiven())
    shown = await _preview(
        template, body.locale, body.order_id, changes, principal.merchant_id, database, renderer
    )
    return PreviewShown(
        language=shown.speech.language.tag,
        locale=shown.speech.locale,
        subject=shown.rendered.subject,
        html=shown.rendered.html,
        text=shown.rendered.text,
    )


@router.get("/{template}/preview", response_class=Response, responses=_PAGE)
async def get_preview(
    template: str,
    principal: Reader,
    database: Database,
    renderer: Renderer,
    locale: Annotated[Locale | None, Query()] = None,
    order_id: UUID | None = None,
    form: Annotated[Literal["html", "text"], Query(alias="format")] = "html",
) -> Response:
    """The message itself, for a browser: nothing in it can run or load anything."""
    shown = await _preview(template, locale, order_id, Changes(), principal.merchant_id, database, renderer)
    if form == "text":
        return Response(shown.rendered.text, 200, PREVIEW_HEADERS, "text/plain; charset=utf-8")
    return Response(shown.rendered.html, 200, PREVIEW_HEADERS, "text/html; charset=utf-8")


async def _preview(
    template: str,
    locale: str | None,
    order_id: UUID | None,
    changes: Changes,
    merchant_id: str,
    database: NotifyDatabase,
    renderer: RendererPort,
) -> Preview:
    try:
        known = Template(template)
    except ValueError:
        raise TemplateUnknown(template[:64]) from None
    async with database.transaction() as tx:
        if order_id is not None:
            return await preview_order(known, locale, merchant_id, order_id, renderer, tx=tx)
        profile = await tx.messages.profile(merchant_id, "*")
    return preview_sample(known, locale, changes, profile, renderer)


def _changes(given: SampleGiven) -> Changes:
    lines = None if given.lines is None else tuple(Goods(one.units, one.title) for one in given.lines)
    return Changes(given.shop, given.name, given.order_number, lines, given.partial, given.delay)
