"""A copy of the committed tree with a Python of its own, so that a patched source can be nobody else's."""

import io
import subprocess
import sys
import sysconfig
import tarfile
import venv
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
SOURCES = ("libs/*/src", "deploy/sandbox/src", "services/*/src")


class DoesNotApply(Exception):
    """The patch was made for another tree: it has to be made anew."""


def archive() -> bytes:
    """HEAD's tree, as a tar file. What is not committed is not in it."""
    return subprocess.run(
        ["git", "archive", "--format=tar", "HEAD"], cwd=REPOSITORY, check=True, capture_output=True
    ).stdout


def unpack(tree: bytes, folder: Path, patches: Sequence[bytes]) -> Path:
    """Make the copy in `folder`, apply the patches, and return its Python. Raises DoesNotApply.

    That Python knows the copy's sources and the libraries of ours, but not the editable installs beside them:
    those are `.pth` files, and nobody reads them in a folder that is itself named in one. So do the processes
    that tests start with it.
    """
    with tarfile.open(fileobj=io.BytesIO(tree)) as tar:
        tar.extractall(folder, filter="data")
    for patch in patches:
        applied = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", "-"],
            cwd=folder,
            input=patch,
            check=False,
            capture_output=True,
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "GIT_CEILING_DIRECTORIES": str(folder.parent)},
        )
        if applied.returncode:
            raise DoesNotApply(applied.stderr.decode().strip())
    environment = folder / ".venv"
    venv.EnvBuilder(symlinks=True, with_pip=False).create(environment)
    sources = [str(one) for pattern in SOURCES for one in sorted(folder.glob(pattern))]
    libraries = sysconfig.get_paths()["purelib"]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    paths = environment / "lib" / version / "site-packages" / "copy.pth"
    paths.write_text("\n".join([*sources, libraries, ""]))
    return environment / "bin" / "python"
