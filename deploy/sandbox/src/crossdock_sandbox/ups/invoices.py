"""The commercial invoice (form 01) as a PDF that a person can read."""

from decimal import Decimal
from io import BytesIO

from reportlab.pdfgen.canvas import Canvas

from crossdock_sandbox.labels import latin
from crossdock_sandbox.ups.wire import Forms

A4 = (595.0, 842.0)  # points
LINES_ON_A_PAGE = 40


def invoice_pdf(forms: Forms, number: str) -> bytes:
    """Every line with its tariff number, origin and value; the same forms are always the same bytes."""
    rows = [
        f"{place}. {one.Unit.Number} x {one.Unit.Value} {forms.CurrencyCode}  {one.CommodityCode}"
        f"  {one.OriginCountryCode}  {' '.join(one.Description)}"
        for place, one in enumerate(forms.Product, start=1)
    ]
    total = sum((Decimal(one.Unit.Value) * int(one.Unit.Number) for one in forms.Product), Decimal(0))
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=0, invariant=1)
    canvas.setTitle(f"Commercial invoice {number}")
    for first in range(0, len(rows), LINES_ON_A_PAGE):
        canvas.setFont("Helvetica-Bold", 14)
        canvas.drawString(40, 800, "COMMERCIAL INVOICE - SANDBOX")
        canvas.setFont("Helvetica", 9)
        head = f"Invoice {forms.InvoiceNumber}, shipment {number}, {forms.TermsOfShipment}"
        canvas.drawString(40, 780, latin(head))
        for place, row in enumerate(rows[first : first + LINES_ON_A_PAGE]):
            canvas.drawString(40, 750 - 16 * place, latin(row))
        canvas.drawString(40, 80, f"Total {total} {forms.CurrencyCode}")
        canvas.showPage()
    canvas.save()
    return out.getvalue()
