# One recipe for everything of ours that runs in a container:
#
#   docker build -f deploy/service.Dockerfile --build-arg SERVICE=order-service .
#
# SERVICE is order-service, inventory-service, shipping-service, notify-service, sandbox or cli. The arguments
# of a container are its role: `api`, `consume`, `relay`, `work`, several of them, none for all, or `migrate`.
# The files lie under /app as in a checkout. `deploy/images/build` builds all of them, reproducibly.

# The same Python twice, 3.11 or newer: to run, and to build with `venv` and `strip`. A release names them by
# digest: --build-arg BASE_IMAGE=python@sha256:...
ARG BASE_IMAGE=python:3.13.15-slim-trixie
ARG BUILD_IMAGE=python:3.13.15-trixie
ARG SERVICE


FROM ${BUILD_IMAGE} AS dependencies
ARG SERVICE
WORKDIR /build
COPY requirements-tools.lock ./
COPY */${SERVICE}/requirements.lock ./
# The secret `ca` is for networks that open TLS on the way: --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt
# Left out: what only developers want (packages' tests, C sources, type stubs, what debuggers read), Pillow's AVIF codec,
# which no label needs, and Babel's locales but for those of the languages in notify-service's `domain/languages.py`.
# The same input is the same image: bytecode goes by what the source holds, and every file is as old as any other,
# whenever it was checked out, written or taken from a cache.
RUN --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca SSL_CERT_FILE=/run/secrets/ca; fi \
    && python3 -m venv tools \
    && tools/bin/pip install --quiet --no-cache-dir --only-binary :all: --require-hashes -r requirements-tools.lock \
    && tools/bin/uv venv --quiet --no-cache --no-python-downloads --python "$(command -v python3)" /opt/venv \
    && tools/bin/uv pip install --quiet --no-cache --no-build --python /opt/venv/bin/python \
        --require-hashes -r requirements.lock \
    && find /opt/venv -regextype posix-extended \( -regex '.*/(tests|testing)(/.*)?' -o -regex '.*\.(py[xi]|pxd|c|h|hpp)' \
        -o -name '_avif.*' -o -name 'libavif-*' \
        -o -path '*/babel/locale-data/*' -not -regex '.*/(root|(de|en|pt|zh)(_.*)?)\.dat' \) -delete \
    && find /opt/venv -name '*.so' -not -path '*.libs/*' -exec strip --strip-debug {} + \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib \
    && find /opt/venv -exec touch --no-dereference --date=@315532800 {} +


FROM dependencies AS service-files
COPY libs/contracts/src /app/libs/contracts/src
COPY libs/chassis/src /app/libs/chassis/src
COPY services/${SERVICE}/migrations /app/services/${SERVICE}/migrations
COPY services/${SERVICE}/src /app/services/${SERVICE}/src
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /app \
    && find /app -exec touch --no-dereference --date=@315532800 {} +

FROM dependencies AS sandbox-files
COPY deploy/sandbox/src /app/deploy/sandbox/src
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /app && mkdir /data \
    && find /app /data -exec touch --no-dereference --date=@315532800 {} +

FROM dependencies AS cli-files
COPY deploy/kafka/topics.yaml /app/deploy/kafka/topics.yaml
COPY libs/cli/src /app/libs/cli/src
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /app \
    && find /app -exec touch --no-dereference --date=@315532800 {} +


FROM ${BASE_IMAGE} AS run
ARG SERVICE
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="crossdock-${SERVICE}" \
      org.opencontainers.image.description="Crossdock, event-driven order fulfilment: ${SERVICE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
# A base made for developers brings pip, which nothing here may need.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/ensurepip /usr/local/lib/python3*/site-packages/pip* \
    && echo 'crossdock:x:10001:10001::/nonexistent:/usr/sbin/nologin' >> /etc/passwd \
    && echo 'crossdock:x:10001:' >> /etc/group
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=dependencies /opt/venv /opt/venv
WORKDIR /app
USER 10001:10001
STOPSIGNAL SIGTERM

FROM run AS service
ENV PYTHONPATH=/app/libs/contracts/src:/app/libs/chassis/src:/app/services/${SERVICE}/src
COPY --from=service-files /app /app

FROM service AS order-service
ENTRYPOINT ["python", "-m", "order_service"]

FROM service AS inventory-service
ENTRYPOINT ["python", "-m", "inventory_service"]

FROM service AS shipping-service
ENTRYPOINT ["python", "-m", "shipping_service"]

FROM service AS notify-service
ENTRYPOINT ["python", "-m", "notify_service"]

FROM run AS sandbox
ENV PYTHONPATH=/app/deploy/sandbox/src
COPY --from=sandbox-files /app /app
COPY --from=sandbox-files --chown=10001:10001 /data /data
ENTRYPOINT ["python", "-m", "crossdock_sandbox"]

FROM run AS cli
ENV PYTHONPATH=/app/libs/cli/src
COPY --from=cli-files /app /app
ENTRYPOINT ["python", "-m", "crossdock_cli"]


FROM ${SERVICE}
