# One image for every run: a laptop's CPU, a GPU, a pod of a sweep.
#
#   docker build -t flexrl .                                                # CPU
#   docker build -t flexrl --build-arg LOCK=requirements-cuda12.lock .      # NVIDIA GPUs; also cuda13
#
# CUDA's libraries come with the lock file; only the driver is the machine's.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS packages
ARG LOCK=requirements.lock
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY ${LOCK} /tmp/requirements.lock
RUN python -m venv /opt/flexrl \
    && /opt/flexrl/bin/pip install --require-hashes --only-binary :all: -r /tmp/requirements.lock
COPY pyproject.toml README.md /source/
COPY envs /source/envs
COPY algos /source/algos
COPY flexrl /source/flexrl
COPY launch /source/launch
# setuptools, too, is of the lock file
RUN /opt/flexrl/bin/pip install --no-deps --no-build-isolation /source \
    && /opt/flexrl/bin/pip check

FROM python:${PYTHON} AS runtime
# Drawing without a screen. Debian keeps only the newest build of a package, so a pinned one would soon be gone.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libegl1 libgl1 libgl1-mesa-dri libosmesa6 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 flexrl \
    && useradd --uid 10001 --gid flexrl --create-home flexrl \
    && install -d -o flexrl -g flexrl /workspace
COPY --from=packages /opt/flexrl /opt/flexrl
COPY --chown=flexrl:flexrl examples /home/flexrl/examples
ENV PATH=/opt/flexrl/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /home/flexrl
VOLUME /workspace
HEALTHCHECK NONE
CMD ["python", "-m", "flexrl.train", "--help"]
