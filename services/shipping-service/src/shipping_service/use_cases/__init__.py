"""One verb per file, and the ports they need."""
