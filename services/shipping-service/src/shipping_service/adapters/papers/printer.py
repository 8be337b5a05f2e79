"""Prints what a parcel lacks; behind the port of the use cases."""

from collections.abc import Mapping
from decimal import Decimal

from shipping_service.adapters.papers.declarations import cn22, cn23
from shipping_service.adapters.papers.invoice import commercial_invoice
from shipping_service.adapters.papers.label import label
from shipping_service.domain.consignment import Document, DocumentKind
from shipping_service.domain.papers import Papers, fits_cn22


class PaperPrinter:
    """Safe to share between threads. `sdr_rates`: units of a currency for one SDR; without a rate: CN23."""

    def __init__(self, sdr_rates: Mapping[str, Decimal]) -> None:
        self._sdr_rates = sdr_rates

    def print(self, kind: DocumentKind, papers: Papers) -> Document:
        """As the port promises: the same bytes for the same papers. Raises Unprintable."""
        return Document(kind, "application/pdf", self._content(kind, papers))

    def _content(self, kind: DocumentKind, papers: Papers) -> bytes:
        match kind:
            case DocumentKind.LABEL:
                return label(papers)
            case DocumentKind.COMMERCIAL_INVOICE:
                return commercial_invoice(papers)
            case DocumentKind.CUSTOMS_DECLARATION:
                return cn22(papers) if fits_cn22(papers, self._sdr_rates) else cn23(papers)
