"""An application served as fast as uvicorn can, in this process."""

import sys

import uvicorn
from starlette.applications import Starlette

from crossdock_cli.embedded.launch import LOOPBACK


def serve(app: Starlette) -> None:
    """Until it is told to end; the port is the command line's only argument."""
    uvicorn.run(
        app,
        host=LOOPBACK,
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        ws="none",
        access_log=False,
        log_level="warning",
    )
