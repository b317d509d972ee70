# prodlint in a container: `docker build -t prodlint .`, then
# `docker run --rm --network none --read-only --tmpfs /tmp -v "$PWD:/src:ro" prodlint check --no-cache`.
FROM python:3.13-slim-bookworm@sha256:386df64585134ba00b1d5e307acb1e72f33e9e87dbbb00aad9b8f24dbb51db72 AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements/ requirements/
RUN python -m venv /opt/prodlint \
    && /opt/prodlint/bin/pip install --require-hashes --only-binary=:all: -r requirements/image.txt \
    && python -m venv /opt/tools \
    && /opt/tools/bin/pip install --require-hashes --only-binary=:all: -r requirements/release.txt
COPY pyproject.toml README.md LICENSE ./
COPY prodlint prodlint
COPY rules rules
RUN /opt/tools/bin/python -m build --wheel --no-isolation --outdir /wheels . \
    && /opt/prodlint/bin/pip install --no-deps --no-index --find-links /wheels prodlint

FROM python:3.13-slim-bookworm@sha256:386df64585134ba00b1d5e307acb1e72f33e9e87dbbb00aad9b8f24dbb51db72
# git: for --since and the history; it is started on a directory of its own, never on the linted tree's settings.
RUN apt-get update \
    && apt-get install -y --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /home/prodlint prodlint
COPY --from=build /opt/prodlint /opt/prodlint
ENV PATH=/opt/prodlint/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /src
ENTRYPOINT ["prodlint"]
CMD ["check", "--no-cache"]
