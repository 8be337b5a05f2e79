"""`python -m crossdock_cli`: the same as `crossdock`."""

from crossdock_cli.main import main

main()
