"""The same work by hand: no checks, no error paths, nothing that could be left out."""
