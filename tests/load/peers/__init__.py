"""The same order done by others: the usual Python way, DBOS and Temporal. They run in `.venv-peers`."""
