#!/usr/bin/env bash
# Bring a cluster to what an overlay says: `k8s/rollout.sh production`. Safe to repeat, and to begin again where it stopped.
#
# In this order, each step only when the one before has worked: what pods need; Kafka and the databases ready; migrations;
# pods. The code of the last release runs on while the schema is expanded, and until the new pods are ready.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

overlay=${1:?"which overlay? local, staging or production"}
rendered=$(mktemp)
trap 'rm -f "$rendered"' EXIT
kubectl kustomize "overlays/$overlay" >"$rendered"
namespace=$(sed -n 's/^namespace: //p' "overlays/$overlay/kustomization.yaml")

if grep -q 'sha256:0\{64\}' "$rendered"; then
    echo "overlays/$overlay names no release yet: set the digests in its kustomization.yaml" >&2
    exit 1
fi

apply() { # what carries these labels
    kubectl apply --server-side --field-manager=crossdock --filename "$rendered" --selector "$1"
}

migrations_are_through() { # exit code 1: not yet; ends the script when one has failed
    local states
    states=$(kubectl --namespace "$namespace" get jobs --selector app.kubernetes.io/component=migrate --output \
        jsonpath='{range .items[*]}{.metadata.name}:{.status.conditions[?(@.status=="True")].type}{"\n"}{end}')
    if grep 'Failed' <<<"$states" >&2; then
        echo "the old pods run on; see kubectl --namespace $namespace logs job/<name>" >&2
        exit 1
    fi
    ! grep --quiet --invert-match 'Complete' <<<"$states"
}

echo "== what pods need"
apply 'app.kubernetes.io/component notin (api,consume,relay,work,migrate)'
kubectl --namespace "$namespace" wait --for=condition=Ready kafka --all --timeout=20m
kubectl --namespace "$namespace" wait --for=condition=Ready clusters.postgresql.cnpg.io --all --timeout=20m

echo "== migrations"
# A Job cannot be changed: the last release's goes first.
kubectl --namespace "$namespace" delete jobs --selector app.kubernetes.io/component=migrate
apply app.kubernetes.io/component=migrate
for ((waited = 0; waited < 1800; waited += 5)); do
    migrations_are_through && break
    sleep 5
done
if ! migrations_are_through; then
    echo "migrations are not through after 30 minutes" >&2
    exit 1
fi

echo "== pods"
apply 'app.kubernetes.io/component in (api,consume,relay,work)'
kubectl --namespace "$namespace" rollout status deployment --selector app.kubernetes.io/part-of=crossdock --timeout=30m
