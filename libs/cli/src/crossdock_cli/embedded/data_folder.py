"""Where the embedded stack keeps what must survive a restart."""

import os
from pathlib import Path


def default_data_folder() -> Path:
    """Return the usual place for this user.

    For root it is outside the home folder: the database runs as another user, who cannot pass through it.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/crossdock")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "crossdock"
