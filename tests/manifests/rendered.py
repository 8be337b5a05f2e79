"""An overlay as kustomize renders it, and the ways to look into it."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
OVERLAYS = ("local", "staging", "production")
SERVICES = ("order", "inventory", "shipping", "notify")
ROLES = ("api", "consume", "relay", "work")

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Rendered:
    """Every object of one overlay."""

    name: str
    manifests: tuple[Manifest, ...]

    def of(self, *kinds: str) -> list[Manifest]:
        """The objects of these kinds, in the order of the rendered text."""
        return [one for one in self.manifests if one["kind"] in kinds]

    def get(self, kind: str, name: str) -> Manifest:
        """One object. Fails the test where there is none, or two."""
        (found,) = [one for one in self.of(kind) if one["metadata"]["name"] == name]
        return found

    def workloads(self) -> list[Manifest]:
        """What makes pods of ours: Deployments and Jobs."""
        return self.of("Deployment", "Job")


@cache
def render(overlay: str) -> Rendered:
    """Render `k8s/overlays/<overlay>` as `kubectl apply -k` would."""
    return Rendered(overlay, tuple(_kustomize(K8S / "overlays" / overlay)))


def _kustomize(folder: Path) -> Iterator[Manifest]:
    kubectl = Path(sys.executable).parent / "kubectl"
    assert kubectl.exists(), "kubectl is not in the environment: run `make manifests`"
    done = subprocess.run(
        [kubectl, "kustomize", folder], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    yield from yaml.load_all(done.stdout, Loader=yaml.CSafeLoader)


def pod(workload: Manifest) -> Manifest:
    """The pod template's spec."""
    spec: Manifest = workload["spec"]["template"]["spec"]
    return spec


def container(workload: Manifest) -> Manifest:
    """The one container of a pod of ours."""
    (only,) = pod(workload)["containers"]
    found: Manifest = only
    return found


def labels(workload: Manifest) -> Mapping[str, str]:
    """The labels of the pods it makes."""
    found: Mapping[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return found


def name(manifest: Manifest) -> str:
    """Kind and name, for messages."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"
