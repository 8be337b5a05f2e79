"""What goes wrong around the embedded stack."""


class EmbeddedError(Exception):
    """A part of the embedded stack cannot run; the message says why and what to do about it."""
