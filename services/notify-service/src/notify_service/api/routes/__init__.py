"""Routes, a file per subject."""
