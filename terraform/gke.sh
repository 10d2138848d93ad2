#!/bin/sh
# Steps of a GKE cluster: gke.sh state|up|down|push|scale-zero. Each shows what it will do and asks; YES=1 answers for scripts.
#
#   VARS        file of variables; its folder names the state. examples/dev/terraform.tfvars if not given.
#   KUEUE       release of Kueue
#   LOCK        packages of the image that `push` builds
#   TF_VAR_project, TF_VAR_billing_account    the project, and the account whose budget warns you
set -eu

here=$(cd "$(dirname "$0")" && pwd)
vars=${VARS:-$here/examples/dev/terraform.tfvars}
kueue=https://github.com/kubernetes-sigs/kueue/releases/download/${KUEUE:-v0.19.2}/manifests.yaml
placeholder=REGION-docker.pkg.dev/PROJECT/flexrl/flexrl:dev # the image in k8s/gke
yes=
if [ "${YES:-}" = 1 ]; then
    yes=-auto-approve
    export TF_INPUT=0 # a missing variable ends in an error, not in a question
fi

main() {
    [ -n "${TF_VAR_project:-}" ] || refuse "TF_VAR_project: is not set; export TF_VAR_project=ID-OF-YOUR-PROJECT"
    [ -f "$vars" ] || refuse "VARS: $vars is not a file; name one such as terraform/examples/dev/terraform.tfvars"
    vars=$(cd "$(dirname "$vars")" && pwd)/$(basename "$vars")
    case "${1:-}" in
        state) state ;;
        up) up ;;
        down) down ;;
        push) push ;;
        scale-zero) scale_zero ;;
        *) refuse "gke.sh: '${1:-}' must be state, up, down, push or scale-zero" ;;
    esac
}

# Make the bucket of Terraform's state.
state() {
    terraform -chdir="$here/state" init -input=false
    terraform -chdir="$here/state" apply $yes
}

# Make or change everything, then send the cluster what sweeps need there. Can be repeated.
up() {
    echo "After the plan below, the cluster gets Kueue ($kueue), the queue with its flavours, and k8s/gke."
    init
    terraform -chdir="$here" apply $yes -var-file="$vars"
    log_in
    kubectl --context "$(output context)" apply --server-side -f "$kueue"
    kubectl --context "$(output context)" -n kueue-system wait deployment --all --for=condition=Available --timeout=10m
    output kubernetes_objects | kubectl --context "$(output context)" apply --server-side --force-conflicts -f -
    kubectl kustomize "$here/../k8s/gke" | sed "s|$placeholder|$(output image)|" |
        kubectl --context "$(output context)" apply --server-side --force-conflicts -f -
    kubectl --context "$(output context)" -n flexrl scale deployment tensorboard mlflow --replicas 0
    echo "Next: make push-runtime, then python -m launch.sweep submit SWEEP.yaml --from-terraform terraform/"
}

# Destroy everything but the bucket of the state. Volumes go first: the cluster made them, and Terraform knows nothing of them.
down() {
    init
    [ "$(output deletion_protection)" = false ] || refuse \
        "gke-down: deletion_protection is true; set it to false in $vars, run make gke-up, then make gke-down"
    terraform -chdir="$here" plan -destroy -var-file="$vars"
    echo "Before that, the namespace flexrl goes, with the volume 'workspace' and every run on it:"
    log_in
    kubectl --context "$(output context)" -n flexrl get jobs,persistentvolumeclaims
    ask "Delete the volumes, then destroy all of the plan?"
    kubectl --context "$(output context)" delete namespace flexrl --ignore-not-found --wait --timeout=15m
    if [ -n "$(kubectl --context "$(output context)" get persistentvolumes -o name)" ]; then
        kubectl --context "$(output context)" wait persistentvolume --all --for=delete --timeout=15m
    fi
    terraform -chdir="$here" destroy -auto-approve -var-file="$vars"
}

# Build the image of trials and push it to the registry.
push() {
    init
    lock=${LOCK:-requirements-cuda12.lock}
    echo "docker build -t $(output image) --build-arg LOCK=$lock, then docker push"
    ask "Build and push this image?"
    gcloud auth configure-docker "$(output registry_host)" --quiet
    docker build -t "$(output image)" --build-arg LOCK="$lock" "$here/.."
    docker push "$(output image)"
    docker inspect --format 'cluster.image, by digest: {{index .RepoDigests 0}}' "$(output image)"
}

# Stop all trials, which save first, and let go of every node but the one that the cluster needs for itself.
scale_zero() {
    init
    log_in
    kubectl --context "$(output context)" get nodes -L cloud.google.com/gke-nodepool
    kubectl --context "$(output context)" -n flexrl get jobs
    echo "These Jobs are deleted; trials save, and submit goes on with them. Pools that are emptied: $(output pools)"
    ask "Delete the Jobs and empty the pools?"
    kubectl --context "$(output context)" -n flexrl delete jobs -l app.kubernetes.io/name=flexrl --cascade=foreground
    kubectl --context "$(output context)" -n flexrl scale deployment tensorboard mlflow --replicas 0
    for pool in $(output pools); do
        gcloud container clusters resize "$(output cluster)" --location "$(output location)" \
            --project "$TF_VAR_project" --node-pool "$pool" --num-nodes 0 --quiet
    done
    echo "Still paid for: one node of the pool 'system', the control plane, the volume 'workspace' and the bucket."
}

init() {
    terraform -chdir="$here" init -input=false -reconfigure -backend-config=bucket="$TF_VAR_project-flexrl-state" \
        -backend-config=prefix="flexrl/$(basename "$(dirname "$vars")")"
}

log_in() {
    # shellcheck disable=SC2046 # the flag may be missing
    gcloud container clusters get-credentials "$(output cluster)" --location "$(output location)" \
        --project "$TF_VAR_project" $(output endpoint_flag)
}

output() {
    terraform -chdir="$here" output -raw "$1"
}

ask() {
    [ "${YES:-}" = 1 ] && return
    printf '%s Type yes: ' "$1"
    read -r answer || answer=
    [ "$answer" = yes ] || { echo "stopped: nothing was changed" >&2; exit 1; }
}

refuse() {
    echo "error: $1" >&2
    exit 65
}

main "$@"
