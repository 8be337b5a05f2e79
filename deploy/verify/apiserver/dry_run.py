"""Have a real Kubernetes API server take every overlay: `make verify-full`.

Builds the server and its etcd from their Go modules (minutes the first time; Go 1.26 or newer), starts both
on loopback, creates the vendored CRDs, and sends every overlay as a server-side dry run with strict field
validation, in which a warning is an error. Deployments only warn about Pod Security, so each pod template is
also sent as a pod of its own. No controller runs: nothing here says what operators make of their resources.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PROGRAMS = ROOT / ".cache" / "apiserver"
KUBECTL = ROOT / ".venv" / "bin" / "kubectl"
OVERLAYS = ("local", "staging", "production")
VERSION = "v1.36.3"

START_LIMIT_S = 120
CALL_LIMIT_S = 300


class Refused(Exception):
    """The API server said no. The text is its own."""


@dataclass(frozen=True)
class ApiServer:
    """One that runs."""

    address: str
    token: str
    certificate: Path

    def kubectl(self, *arguments: str, given: str | None = None) -> str:
        """What kubectl prints. Raises Refused."""
        server = [
            "--server",
            self.address,
            "--token",
            self.token,
            "--certificate-authority",
            str(self.certificate),
        ]
        done = subprocess.run(
            [KUBECTL, "--kubeconfig", os.devnull, *server, *arguments],
            input=given, capture_output=True, text=True, timeout=CALL_LIMIT_S, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Refused(done.stderr.strip())
        return done.stdout

    def dry_run(self, manifests: Sequence[Any]) -> int:
        """How many objects it took; it keeps none. Raises Refused."""
        strictly = ("--dry-run=server", "--validate=strict", "--warnings-as-errors", "--output=name")
        text = yaml.dump_all(manifests, Dumper=yaml.CSafeDumper)
        return len(self.kubectl("create", *strictly, "--filename=-", given=text).splitlines())


def build() -> None:
    """Compile what is not compiled yet, one package at a time: it is to leave the machine usable."""
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    stamp = "-X k8s.io/component-base/version."
    flags = f"-s -w {stamp}gitVersion={VERSION} {stamp}gitMajor=1 {stamp}gitMinor=36"
    for package in ("go.etcd.io/etcd/server/v3", "k8s.io/kubernetes/cmd/kube-apiserver"):
        target = PROGRAMS / ("etcd" if "etcd" in package else "kube-apiserver")
        command: list[str | Path] = [
            "nice",
            "-n",
            "19",
            "go",
            "build",
            "-p",
            "1",
            "-trimpath",
            "-ldflags",
            flags,
            "-o",
            target,
            package,
        ]
        subprocess.run(command, cwd=HERE, check=True)


@contextmanager
def running(folder: Path) -> Iterator[ApiServer]:
    """Start both, wait until the server is ready, end both."""
    key, tokens, token = folder / "accounts.key", folder / "tokens.csv", secrets.token_hex(16)
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    tokens.write_text(f'{token},tester,tester,"system:masters"\n')
    client, peer, port = _free_port(), _free_port(), _free_port()
    etcd = [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{client}",
        f"--advertise-client-urls=http://127.0.0.1:{client}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-cluster=default=http://127.0.0.1:{peer}",
    ]
    server = [
        f"--etcd-servers=http://127.0.0.1:{client}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://crossdock.invalid",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--disable-admission-plugins=ServiceAccount",  # it waits for a controller that is not there
    ]
    with _process("etcd", etcd, folder), _process("kube-apiserver", server, folder):
        api = ApiServer(f"https://127.0.0.1:{port}", token, folder / "apiserver.crt")
        _await(api, folder)
        yield api


@contextmanager
def _process(program: str, arguments: Sequence[str], folder: Path) -> Iterator[None]:
    with (folder / f"{program}.log").open("wb") as log:
        process = subprocess.Popen([PROGRAMS / program, *arguments], stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await(api: ApiServer, folder: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        try:
            api.kubectl("get", "--raw", "/readyz")
        except Refused as error:
            if time.monotonic() > deadline:
                log = (folder / "kube-apiserver.log").read_text()[-2000:]
                raise Refused(
                    f"the API server is not ready after {START_LIMIT_S} s: {error}\n{log}"
                ) from error
            time.sleep(1)
        else:
            return


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def prepare(api: ApiServer) -> None:
    """What the overlays take for granted: the definitions of the custom resources."""
    api.kubectl("create", "--filename", str(ROOT / "deploy" / "verify" / "crds"))
    api.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")


def check_overlay(api: ApiServer, overlay: str) -> str:
    """Send an overlay. Returns what was taken, in words. Raises Refused."""
    text = subprocess.run(
        [KUBECTL, "kustomize", ROOT / "k8s" / "overlays" / overlay],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    manifests = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    # A dry run keeps nothing, but an object needs its namespace, and a pod its priority.
    first = [one for one in manifests if one["kind"] in ("Namespace", "PriorityClass")]
    api.kubectl("apply", "--filename=-", given=yaml.dump_all(first, Dumper=yaml.CSafeDumper))
    taken = api.dry_run([one for one in manifests if one not in first])
    pods = api.dry_run([_pod(one) for one in manifests if one["kind"] in ("Deployment", "Job")])
    return f"{overlay}: {taken + len(first)} objects and {pods} pods taken"


def _pod(workload: Any) -> Any:
    template = workload["spec"]["template"]
    metadata = {"name": workload["metadata"]["name"], "namespace": workload["metadata"]["namespace"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata | {"labels": template["metadata"]["labels"]},
        "spec": template["spec"],
    }


def check_that_it_refuses(api: ApiServer) -> None:
    """A pod as root, and a field that does not exist: a server that takes these proves nothing."""
    root = {"containers": [{"name": "a", "image": "a", "securityContext": {"runAsUser": 0}}]}
    misspelt = {"containers": [{"name": "a", "image": "a"}], "restart": "Never"}
    for spec in (root, misspelt):
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "a", "namespace": "crossdock"},
            "spec": spec,
        }
        try:
            api.dry_run([pod])
        except Refused:
            continue
        raise Refused(f"the API server takes what it should refuse: {json.dumps(spec)}")


def main() -> int:
    """Exit code 0 when every overlay was taken."""
    began = time.monotonic()
    build()
    print(f"kube-apiserver {VERSION} and etcd are built ({time.monotonic() - began:.0f} s)", flush=True)
    with tempfile.TemporaryDirectory(prefix="crossdock-apiserver-") as folder, running(Path(folder)) as api:
        print(f"they run ({time.monotonic() - began:.0f} s)", flush=True)
        prepare(api)
        failed = False
        for overlay in OVERLAYS:
            try:
                print(check_overlay(api, overlay), flush=True)
            except Refused as error:
                failed = True
                print(f"{overlay}: refused\n{error}", flush=True)
        check_that_it_refuses(api)
    print(f"done in {time.monotonic() - began:.0f} s")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
