"""Stock that is really there: levels, reservations, allocations and the ledger."""
