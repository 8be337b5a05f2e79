"""The commercial invoice as a PDF that a person can read."""

from io import BytesIO

from reportlab.pdfgen.canvas import Canvas

from crossdock_sandbox.dhl_express.wire import CreateShipment, ExportDeclaration
from crossdock_sandbox.labels import latin

A4 = (595.0, 842.0)  # points
LINES_ON_A_PAGE = 40


def invoice_pdf(shipment: CreateShipment, declaration: ExportDeclaration, waybill: str) -> bytes:
    """Every line with its tariff number, origin and value; the same shipment is always the same bytes."""
    content = shipment.content
    currency = content.declaredValueCurrency
    rows = [
        f"{one.number}. {one.quantity.value} x {one.price} {currency}  "
        f"{'/'.join(code.value for code in one.commodityCodes)}  {one.manufacturerCountry}  {one.description}"
        for one in declaration.lineItems
    ]
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=0, invariant=1)
    canvas.setTitle(f"Commercial invoice {waybill}")
    for first in range(0, len(rows), LINES_ON_A_PAGE):
        canvas.setFont("Helvetica-Bold", 14)
        canvas.drawString(40, 800, "COMMERCIAL INVOICE - SANDBOX")
        canvas.setFont("Helvetica", 9)
        number = declaration.invoice.number if declaration.invoice else "-"
        canvas.drawString(40, 780, latin(f"Invoice {number}, waybill {waybill}, {content.incoterm}"))
        for place, row in enumerate(rows[first : first + LINES_ON_A_PAGE]):
            canvas.drawString(40, 750 - 16 * place, latin(row))
        canvas.drawString(40, 80, f"Total {content.declaredValue} {currency}")
        canvas.showPage()
    canvas.save()
    return out.getvalue()
