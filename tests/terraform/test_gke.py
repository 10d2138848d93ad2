"""The steps of terraform/gke.sh: what they run and in which order, and that each asks first.

Programs that need Google or docker are stood in for by one that notes how it was called; kustomize is the real one.
"""

import os
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.terraform.runner import ROOT

OUTPUTS = {
    "cluster": "flexrl-dev",
    "location": "us-central1-a",
    "context": "gke_p_z_c",
    "endpoint_flag": "--dns-endpoint",
    "image": "us-central1-docker.pkg.dev/my-project/flexrl-dev/flexrl:dev",
    "registry_host": "us-central1-docker.pkg.dev",
    "pools": "cpu l4-spot",
    "deletion_protection": "false",
    "kubernetes_objects": "kind: ClusterQueue",
}
PROGRAM = f"""#!{sys.executable}
import os, subprocess, sys
outputs, name = {{outputs!r}}, os.path.basename(sys.argv[0])
arguments = [each for each in sys.argv[1:] if not each.startswith("-chdir")]
if name == "kubectl" and arguments[0] == "kustomize":
    sys.exit(subprocess.run([{{kubectl!r}}, *arguments]).returncode)
if name == "terraform" and arguments[0] == "output":
    sys.exit(print(outputs[arguments[-1]], end=""))
text = sys.stdin.read() if arguments[-2:] == ["-f", "-"] else ""
with open({{log!r}}, "a") as log:
    print(name, *arguments, file=log)
if "flexrl:dev" in text:
    open({{applied!r}}, "w").write(text)
"""
CHANGES = ("apply", "delete", "destroy", "push", "build", "resize", "scale")

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


@pytest.fixture
def step(tmp_path):
    """A step of the script: exit code, standard output and error, and the commands that it ran."""

    def run(name, answer="", outputs=OUTPUTS, **environment):
        programs = tmp_path / "bin"
        programs.mkdir(exist_ok=True)
        log = tmp_path / "log"
        log.write_text("")
        text = PROGRAM.format(
            outputs=outputs, kubectl=shutil.which("kubectl"), log=str(log), applied=str(tmp_path / "applied")
        )
        for each in ("terraform", "gcloud", "kubectl", "docker"):
            (programs / each).write_text(text)
            (programs / each).chmod(0o755)
        done = subprocess.run(
            [ROOT / "terraform" / "gke.sh", name],
            input=answer,
            capture_output=True,
            text=True,
            env={"PATH": f"{programs}:{os.environ['PATH']}", "TF_VAR_project": "my-project", **environment},
        )
        return done.returncode, done.stdout, done.stderr, log.read_text().splitlines()

    return run


def changed(commands):
    return [each for each in commands if set(each.split()) & set(CHANGES)]


def test_up_applies_then_sends_kueue_the_flavours_and_the_overlay_with_the_image(step, tmp_path):
    code, out, error, commands = step("up")
    assert code == 0, error
    assert "terraform init -input=false -reconfigure -backend-config=bucket=my-project-flexrl-state" in commands[0]
    assert commands[0].endswith("-backend-config=prefix=flexrl/dev")
    made, kueue, objects, overlay, idle = changed(commands)
    assert made.startswith("terraform apply -var-file=/") and "-auto-approve" not in made  # so Terraform asks
    assert "kueue/releases/download/v0.19.2/manifests.yaml" in kueue
    assert objects == overlay == "kubectl --context gke_p_z_c apply --server-side --force-conflicts -f -"
    assert idle.endswith("scale deployment tensorboard mlflow --replicas 0")
    sent = list(yaml.safe_load_all((tmp_path / "applied").read_text()))
    (board,) = (x for x in sent if x["kind"] == "Deployment" and x["metadata"]["name"] == "tensorboard")
    assert board["spec"]["template"]["spec"]["containers"][0]["image"] == OUTPUTS["image"]
    assert "REGION" not in (tmp_path / "applied").read_text()
    assert "gcloud container clusters get-credentials flexrl-dev --location us-central1-a --project" in commands[2]
    assert commands[2].endswith("--dns-endpoint")


def test_yes_answers_for_scripts(step):
    assert any(each.startswith("terraform apply -auto-approve") for each in step("up", YES="1")[3])
    assert any(each.startswith("terraform apply -auto-approve") for each in step("state", YES="1")[3])
    assert changed(step("scale-zero", YES="1")[3]) and changed(step("down", YES="1")[3])


def test_the_variables_file_names_the_state(step, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "terraform.tfvars").touch()
    _, _, _, commands = step("up", VARS=str(folder / "terraform.tfvars"))
    assert commands[0].endswith("prefix=flexrl/mine")
    assert f"terraform apply -var-file={folder}/terraform.tfvars" in commands


@pytest.mark.parametrize("name", ["down", "push", "scale-zero"])
@pytest.mark.parametrize("answer", ["no\n", ""])
def test_without_yes_nothing_is_changed(step, name, answer):
    code, out, error, commands = step(name, answer)
    assert (code, error) == (1, "stopped: nothing was changed\n")
    assert "Type yes: " in out and changed(commands) == []


def test_down_deletes_volumes_before_the_cluster(step):
    code, _, error, commands = step("down", "yes\n")
    assert code == 0, error
    assert "terraform plan -destroy" in " ".join(commands)
    gone, destroyed = changed([each for each in commands if " plan " not in each])
    assert "delete namespace flexrl" in gone and destroyed.startswith("terraform destroy -auto-approve -var-file=")


def test_down_refuses_a_protected_cluster(step):
    code, _, error, commands = step("down", "yes\n", {**OUTPUTS, "deletion_protection": "true"})
    assert code == 65 and "deletion_protection is true; set it to false in" in error
    assert changed(commands) == []


def test_push_builds_for_gpus_and_pushes_the_image_that_trials_run(step):
    code, _, error, commands = step("push", "yes\n")
    assert code == 0, error
    built, pushed = changed(commands)
    assert built.startswith(f"docker build -t {OUTPUTS['image']} --build-arg LOCK=requirements-cuda12.lock ")
    assert pushed == f"docker push {OUTPUTS['image']}"
    assert changed(step("push", "yes\n", LOCK="requirements.lock")[3])[0].count("LOCK=requirements.lock ") == 1


def test_scale_zero_stops_trials_then_empties_every_pool(step):
    code, out, error, commands = step("scale-zero", "yes\n")
    assert code == 0, error
    jobs, idle, cpu, gpu = changed(commands)
    assert "delete jobs -l app.kubernetes.io/name=flexrl --cascade=foreground" in jobs and "--replicas 0" in idle
    assert "--node-pool cpu --num-nodes 0" in cpu and "--node-pool l4-spot --num-nodes 0" in gpu
    assert "Still paid for" in out


@pytest.mark.parametrize(
    ("name", "environment", "named"),
    [
        ("up", {"TF_VAR_project": ""}, "TF_VAR_project: is not set; export TF_VAR_project="),
        ("up", {"VARS": "/nowhere/x.tfvars"}, "VARS: /nowhere/x.tfvars is not a file; name one such as"),
        ("fly", {}, "gke.sh: 'fly' must be state, up, down, push or scale-zero"),
    ],
)
def test_bad_input_ends_in_one_line_and_65(step, name, environment, named):
    code, _, error, commands = step(name, **environment)
    assert code == 65 and error.startswith("error: ") and error.count("\n") == 1
    assert named in error and commands == []


@pytest.mark.parametrize(
    ("target", "called"),
    [
        ("gke-state", "terraform/gke.sh state"),
        ("gke-up", "terraform/gke.sh up"),
        ("gke-down", "terraform/gke.sh down"),
        ("gke-scale-zero", "terraform/gke.sh scale-zero"),
        ("push-runtime", "LOCK=requirements-cuda12.lock terraform/gke.sh push"),
    ],
)
def test_make_calls_the_script(target, called):
    done = subprocess.run(["make", "--no-print-directory", "-n", target], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == called
