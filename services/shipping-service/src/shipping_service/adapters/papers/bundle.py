"""Many labels as one file for one printer: pages as they are, for a bar code that is scaled may not scan."""

from collections.abc import Sequence
from io import BytesIO

from pypdf import PdfWriter


class Unreadable(Exception):
    """A file is not what its first bytes promise. Argument: which of them, counted from 0."""


def as_one_pdf(files: Sequence[bytes]) -> bytes:
    """All pages of all files, in their order and sizes. Takes CPU: call it in a thread. Raises Unreadable."""
    writer = PdfWriter()
    for place, content in enumerate(files):
        try:
            writer.append(BytesIO(content), import_outline=False)
        except Exception as error:  # of a file that anybody may have made, in a library's words
            raise Unreadable(place) from error
    whole = BytesIO()
    writer.write(whole)
    return whole.getvalue()


def as_one_zpl(files: Sequence[bytes]) -> bytes:
    """ZPL labels one after the other: each begins and ends itself."""
    return b"\n".join(one.strip() for one in files) + b"\n"
