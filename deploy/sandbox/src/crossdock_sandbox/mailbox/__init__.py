"""An SMTP server that keeps every mail it accepts, with pages to read them."""
