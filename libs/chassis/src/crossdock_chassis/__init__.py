"""How a process runs: what every service needs and no business word."""
