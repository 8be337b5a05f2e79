#!/usr/bin/env bash
# Put promtool, amtool and Prometheus into .tools, and with --collector the OpenTelemetry Collector of
# deploy/otel/builder.yaml. Safe to repeat: what is there stays. apt checks what it fetches against Debian's
# signatures; nothing is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
tools=$PWD/.tools
builder=v0.161.0 # of the same version as the parts in builder.yaml

fail() {
    echo "$*" >&2
    exit 1
}

fetch_debian() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
        fail "promtool and amtool are taken from Debian's packages prometheus and prometheus-alertmanager, and" \
            "there is no apt-get here: put promtool, amtool and prometheus into $tools/usr/bin by hand"
    local fetched
    fetched=$(mktemp -d)
    chmod 755 "$fetched" # apt fetches as a user of its own
    trap 'rm -rf "$fetched"' RETURN
    cd "$fetched"
    apt-get download -qq prometheus prometheus-alertmanager 2>/dev/null ||
        { apt-get update -qq && apt-get download -qq prometheus prometheus-alertmanager; } ||
        fail "apt-get cannot download prometheus and prometheus-alertmanager; is there a way to a Debian mirror?"
    for package in ./*.deb; do
        dpkg-deb --extract "$package" "$tools"
    done
    cd - >/dev/null
}

build_collector() {
    command -v go >/dev/null || fail "the collector is built with Go 1.25 or newer, which is not there"
    mkdir -p "$tools/collector"
    cp deploy/otel/builder.yaml "$tools/collector/"
    (
        cd "$tools/collector"
        GOBIN=$tools/collector nice -n 19 go install "go.opentelemetry.io/collector/cmd/builder@$builder"
        GOFLAGS="${GOFLAGS:-} -p=1" nice -n 19 ./builder --config builder.yaml
    )
}

for tool in promtool amtool prometheus; do
    [[ -x $tools/usr/bin/$tool ]] || { mkdir -p "$tools" && fetch_debian; }
done
if [[ ${1:-} == --collector && ! -x $tools/collector/build/otelcol ]]; then
    build_collector
fi
