"""Prints what a parcel lacks; behind the port of the use cases."""

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Literal

from shipping_service.adapters.papers import zpl
from shipping_service.adapters.papers.declarations import cn22, cn23
from shipping_service.adapters.papers.invoice import commercial_invoice
from shipping_service.adapters.papers.label import label
from shipping_service.domain.consignment import Document, DocumentKind
from shipping_service.domain.papers import Papers, fits_cn22
from shipping_service.use_cases.ports import Unprintable


class PaperPrinter:
    """Safe to share between threads. `sdr_rates`: units of a currency for one SDR; without a rate: CN23."""

    def __init__(self, sdr_rates: Mapping[str, Decimal], label_format: Literal["pdf", "zpl"] = "pdf") -> None:
        self._sdr_rates = sdr_rates
        self._label_format = label_format

    def print(self, kind: DocumentKind, papers: Papers) -> Document:
        """As the port promises: the same bytes for the same papers. Raises Unprintable."""
        if kind is DocumentKind.LABEL and self._label_format == "zpl" and zpl.can_show(papers):
            return Document(kind, "application/zpl", zpl.label(papers))
        return Document(kind, "application/pdf", self._pdf(kind, papers))

    def _pdf(self, kind: DocumentKind, papers: Papers) -> bytes:
        match kind:
            case DocumentKind.LABEL:
                return label(papers)
            case DocumentKind.COMMERCIAL_INVOICE:
                return commercial_invoice(papers)
            case DocumentKind.CUSTOMS_DECLARATION:
                return self._declaration(papers)

    def _declaration(self, papers: Papers) -> bytes:
        if fits_cn22(papers, self._sdr_rates):
            with suppress(Unprintable):
                return cn22(papers)
        return cn23(papers)
