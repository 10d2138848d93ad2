# One image for every run: a laptop's CPU, a GPU, a pod of a sweep. Runs are written to the volume /workspace.
#
#   docker build -t flexrl:dev .                                                         # CPU
#   docker build -t flexrl:dev-cuda12 --build-arg LOCK=requirements-cuda12.lock .        # NVIDIA GPUs; also cuda13
#   docker run --rm -v flexrl:/workspace flexrl:dev python -m flexrl.train --env humanoid-walk
#
# CUDA's libraries come with the lock file; only the driver is the machine's.
ARG PYTHON=3.11-slim-bookworm

# The packages alone: gigabytes that a change of our own code leaves as they are.
FROM python:${PYTHON} AS packages
ARG LOCK=requirements.lock
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# hadolint ignore=DL3008,DL3009
RUN apt-get update && apt-get install -y --no-install-recommends binutils
COPY ${LOCK} /tmp/requirements.lock
RUN python -m venv --without-pip /opt/flexrl \
    && python -m pip --python /opt/flexrl/bin/python install --require-hashes --only-binary :all: -r /tmp/requirements.lock
# What no run reads: tests, stubs for editors, the asynchronous twin of Kubernetes' client, MuJoCo's viewers, Arrow's
# network protocols, and the symbols of libraries, which only a debugger asks for.
WORKDIR /opt/flexrl/lib/python3.11/site-packages
RUN rm -r kubernetes/aio mujoco/experimental pyarrow/*flight* pyarrow/*s3* pyarrow/include warp/examples warp/tests \
    && find matplotlib pyarrow scipy -type d -name tests -prune -exec rm -r {} + \
    && find . -name '*.pyi' -delete \
    && find aiohttp cryptography fontTools jaxlib kiwisolver pyarrow sqlalchemy tensorstore uvloop \
        -type f -name '*.so*' -exec strip --strip-unneeded {} + \
    && strip --strip-unneeded tensorboard_data_server/bin/server

# The project, laid out to be copied into that environment; setuptools, too, is of the lock file.
FROM packages AS project
COPY pyproject.toml README.md LICENSE /source/
COPY envs /source/envs
COPY algos /source/algos
COPY flexrl /source/flexrl
COPY launch /source/launch
RUN python -m pip --python /opt/flexrl/bin/python install --no-deps --no-build-isolation --prefix /project /source \
    && PYTHONPATH=/project/lib/python3.11/site-packages python -m pip --python /opt/flexrl/bin/python check

FROM python:${PYTHON} AS runtime
# An init, so that a signal is never lost, and drawing without a screen. Debian keeps only the newest build of a package,
# so a pinned one would soon be gone.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libegl1 libgl1 libgl1-mesa-dri libosmesa6 tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 flexrl \
    && useradd --uid 10001 --gid flexrl --no-create-home --home-dir /tmp flexrl \
    && install -d -o flexrl -g flexrl /workspace \
    && install -d /home/flexrl \
    && ln -s /workspace /home/flexrl/workspace
COPY --from=packages /opt/flexrl /opt/flexrl
COPY --from=project /project /opt/flexrl
COPY examples /home/flexrl/examples
COPY pretrained /home/flexrl/pretrained
# Compiled programs lie on the volume, for the next start to find. The driver lies where GKE mounts it, or where NVIDIA's
# container toolkit does, which reads the last two.
ENV PATH=/opt/flexrl/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    XDG_CACHE_HOME=/workspace/.cache \
    LD_LIBRARY_PATH=/usr/local/nvidia/lib64 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics
USER 10001:10001
# Its `workspace`, where runs go by default, is the volume; nothing else in it can be written, and so be lost.
WORKDIR /home/flexrl
VOLUME /workspace
ENTRYPOINT ["tini", "--"]
CMD ["python", "-m", "flexrl.train", "--help"]
