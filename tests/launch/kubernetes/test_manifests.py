import base64
import dataclasses
import gzip
import json

import numpy as np
import pytest
import yaml
from kubernetes.client import V1ConfigMap, V1Job, V1Service

from flexrl.cli.arguments import default_config
from flexrl.common.errors import ConfigError
from flexrl.config.run_config import encode
from flexrl.storage.checkpoint import Checkpoints
from launch.kubernetes import config_maps
from launch.kubernetes.manifests import config_maps_of, is_used, manifests
from launch.plan import task_files
from launch.plan.sweep_file import load_sweep
from launch.plan.trials import load_trials
from launch.trial import read_trials
from tests.envs.robots.own_robots import quadruped, written
from tests.launch import sweeps

CLUSTER = {"image": "registry.example/flexrl@sha256:0", "volume_claim": "workspace"}


def make(folder, **fields):
    path = sweeps.write(folder, **{"cluster": CLUSTER, **fields})
    sweep, trials = load_trials(path, folder / "workspace")
    return manifests(sweep, trials), trials


def job(folder, **fields):
    return make(folder, **fields)[0][-1]


def pod(folder, **fields):
    return job(folder, **fields)["spec"]["template"]["spec"]


def test_objects_have_only_fields_that_kubernetes_knows(tmp_path):
    resources = {"gpu": {"count": 1, "kind": "nvidia-l4"}, "spot": True}
    *maps, job = make(tmp_path, seeds=3, resources=resources, time_limit_minutes=5.0)[0]
    for each in maps:
        assert V1ConfigMap.model_validate(each).immutable
    assert V1Job.model_validate(job).spec.completions == 3
    with pytest.raises(ValueError, match="complletions"):
        V1Job.model_validate({**job, "spec": {**job["spec"], "complletions": 3}})


def test_a_job_has_an_index_for_each_trial_and_retries_for_each_index(tmp_path):
    spec = job(tmp_path, seeds=5, retries=3, parallelism=2)["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 5, 2)
    assert (spec["backoffLimitPerIndex"], spec["maxFailedIndexes"]) == (3, 5)
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["template"]["spec"]["restartPolicy"] == "Never"  # which podFailurePolicy needs
    assert spec["ttlSecondsAfterFinished"] > 0
    assert "suspend" not in spec  # it belongs to Kueue


def test_the_first_rule_that_matches_decides_what_an_end_means(tmp_path):
    rules = job(tmp_path)["spec"]["podFailurePolicy"]["rules"]

    def action(code, disrupted=False):
        for rule in rules:
            if disrupted and "onPodConditions" in rule:
                return rule["action"]
            if code in rule.get("onExitCodes", {"values": []})["values"]:
                return rule["action"]
        return "Count"

    assert {code: action(code) for code in (1, 65, 70, 74, 75, 124, 137)} == {
        1: "Count",
        65: "FailIndex",
        70: "FailIndex",
        74: "FailJob",
        75: "Ignore",
        124: "FailIndex",
        137: "Count",
    }
    assert action(137, disrupted=True) == action(1, disrupted=True) == "Ignore"
    names = {container["name"] for container in job(tmp_path)["spec"]["template"]["spec"]["containers"]}
    assert {rule["onExitCodes"]["containerName"] for rule in rules if "onExitCodes" in rule} == names


def test_names_follow_the_content_and_nothing_else(tmp_path):
    def names(**fields):
        return [each["metadata"]["name"] for each in make(tmp_path, **fields)[0]]

    before = names(seeds=2)
    assert names(seeds=2) == before
    assert not set(names(seeds=3)) & set(before)
    assert names(seeds=2, retries=5)[0] == before[0] and names(seeds=2, retries=5)[1] != before[1]
    assert names(seeds=2, cluster={**CLUSTER, "image": "other"})[1] != before[1]
    assert len(names(name="x" * 40)[-1]) <= 63 - len("-99999")  # a pod's host name has the index, too


def mount(config_map, folder):
    """The trials of a Job, as a pod finds them."""
    folder.mkdir(exist_ok=True)
    ((name, text),) = config_map["binaryData"].items()
    (folder / name).write_bytes(base64.b64decode(text))
    return folder


def lines(config_map):
    ((_, text),) = config_map["binaryData"].items()
    return [json.loads(line) for line in gzip.decompress(base64.b64decode(text)).splitlines()]


def test_a_job_has_one_object_of_trials_and_each_is_found_by_its_index(tmp_path):
    (config_map, job), trials = make(tmp_path, seeds=7)
    mounted = mount(config_map, tmp_path / "mounted")
    sources = job["spec"]["template"]["spec"]["volumes"][0]["projected"]["sources"]
    assert [source["configMap"]["name"] for source in sources] == [config_map["metadata"]["name"]]
    assert job["metadata"]["annotations"]["flexrl/keys"] == " ".join(trial.key for trial in trials)
    for index, trial in enumerate(trials):
        (found,) = read_trials(mounted, str(index))
        assert (found.number, found.key, found.values) == (trial.number, trial.key, trial.values)
        assert found.config_hash == trial.config_hash
        assert str(found.folder) == f"/workspace/tiny/{trial.key}"
    with pytest.raises(ConfigError, match="JOB_COMPLETION_INDEX: 7 has no line in "):
        read_trials(mounted, "7")
    with pytest.raises(ConfigError, match="trials.jsonl.gz is missing; apply the ConfigMap"):
        read_trials(tmp_path, "0")


def test_more_trials_than_an_object_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(config_maps, "MAX_CONFIG_MAP_BYTES", 500)
    with pytest.raises(ConfigError, match=r"trials: 7 have [\d,]+ bytes, and a ConfigMap holds 500; cut the sweep"):
        make(tmp_path, seeds=7)
    monkeypatch.undo()
    monkeypatch.setattr(config_maps, "MAX_KEYS_BYTES", 20)
    with pytest.raises(ConfigError, match=r"trials: the keys of 7 have [\d,]+ bytes, and a Job names at most 20; cut"):
        make(tmp_path, seeds=7)


def test_a_pack_is_an_index(tmp_path):
    path = sweeps.write(tmp_path, cluster=CLUSTER, seeds=5, parallelism=9)
    sweep, trials = load_trials(path, tmp_path / "workspace")
    config_map, job = manifests(sweep, trials, pack=2)
    assert (job["spec"]["completions"], job["spec"]["parallelism"], job["spec"]["maxFailedIndexes"]) == (3, 3, 3)
    keys = [trial.key for trial in trials]
    assert job["metadata"]["annotations"]["flexrl/keys"] == f"{keys[0]},{keys[1]} {keys[2]},{keys[3]} {keys[4]}"
    assert [trial.key for trial in read_trials(mount(config_map, tmp_path / "mounted"), "1")] == keys[2:4]
    with pytest.raises(ConfigError, match="pack: 17 must be at most 16"):
        manifests(sweep, trials, pack=17)


def test_ten_thousand_trials_stay_below_the_size_of_an_object(tmp_path):
    objects, _ = make(tmp_path, seeds=10_000)
    assert len(objects) == 2 and max(len(json.dumps(each)) for each in objects) < 1 << 20
    assert len(json.dumps(objects[-1]["metadata"]["annotations"])) < 256 << 10


def test_resources_become_requests_and_a_place(tmp_path):
    resources = {"gpu": {"count": 2, "kind": "nvidia-l4"}, "cpu": "8", "memory": "32Gi", "spot": True}
    spec = pod(tmp_path, resources=resources)
    asked = {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "2"}
    assert spec["containers"][0]["resources"] == {"requests": asked, "limits": asked}
    assert spec["nodeSelector"] == {
        "cloud.google.com/gke-accelerator": "nvidia-l4",
        "cloud.google.com/gke-spot": "true",
    }
    assert {each["key"] for each in spec["tolerations"]} == {"nvidia.com/gpu", "cloud.google.com/gke-spot"}
    assert pod(tmp_path)["nodeSelector"] == {} and pod(tmp_path)["tolerations"] == []


HOSTS = {"base": {**sweeps.TINY, "num_devices": 2}, "resources": {"hosts": 2}}


def test_a_trial_of_several_hosts_is_a_job_of_its_own_whose_pods_meet_under_a_name(tmp_path):
    objects, trials = make(tmp_path, seeds=2, retries=1, **HOSTS)
    assert [each["kind"] for each in objects] == ["ConfigMap", "Service", "Job"] * 2
    assert len({each["metadata"]["name"] for each in objects}) == 6
    for trial, service, job in zip(trials, objects[1::3], objects[2::3], strict=True):
        assert V1Service.model_validate(service) and V1Job.model_validate(job)
        spec, pod = job["spec"], job["spec"]["template"]
        assert (spec["completions"], spec["parallelism"], spec["completionMode"]) == (2, 2, "Indexed")
        assert spec["successPolicy"] == {"rules": [{"succeededIndexes": "0"}]} and spec["maxFailedIndexes"] == 0
        actions = [rule["action"] for rule in spec["podFailurePolicy"]["rules"]]
        assert actions == ["Ignore", "FailJob", "FailJob", "Ignore"]
        assert job["metadata"]["annotations"]["flexrl/keys"] == trial.key  # of index 0
        assert service["spec"]["clusterIP"] == "None" and service["spec"]["publishNotReadyAddresses"]
        assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        assert pod["spec"]["subdomain"] == service["metadata"]["name"] and len(service["metadata"]["name"]) <= 63
        container = pod["spec"]["containers"][0]
        assert container["args"][-1] == "--hosts"
        env = {each["name"]: each.get("value") for each in container["env"]}
        assert env["FLEXRL_COORDINATOR"] == f"$(JOB_NAME)-0.{service['metadata']['name']}:8476"
        assert env["FLEXRL_START_SECONDS"] == "1800"
        assert env["FLEXRL_NUM_HOSTS"] == "2" and "FLEXRL_HOST_INDEX" not in env
        assert [is_used(each, job) for each in objects[:3]] == [trial is trials[0]] * 2 + [False]


def test_hosts_use_all_of_their_devices_and_are_of_a_cluster(tmp_path):
    with pytest.raises(ConfigError, match="num_devices: 1 must be 2, all devices of resources.hosts 2"):
        make(tmp_path, resources={"hosts": 2})
    with pytest.raises(ConfigError, match="num_devices: 2 are more than resources.gpu.count 0$"):
        make(tmp_path, base=HOSTS["base"])
    with pytest.raises(ConfigError, match="resources.hosts: 0 must be at least 1"):
        make(tmp_path, resources={"hosts": 0})
    path = sweeps.write(tmp_path, cluster=CLUSTER, **HOSTS)
    sweep, trials = load_trials(path, tmp_path / "workspace")
    with pytest.raises(ConfigError, match="pack: 2 trials in one program exclude resources.hosts 2"):
        manifests(sweep, trials, pack=2)
    assert len(make(tmp_path, name="x" * 40, **HOSTS)[0][1]["metadata"]["name"]) == 63


def test_a_queue_is_a_label(tmp_path):
    label = "kueue.x-k8s.io/queue-name"
    assert job(tmp_path, cluster={**CLUSTER, "queue": "team"})["metadata"]["labels"][label] == "team"
    assert label not in job(tmp_path)["metadata"]["labels"]
    least = "kueue.x-k8s.io/job-min-parallelism"
    assert job(tmp_path, cluster={**CLUSTER, "queue": "team"})["metadata"]["annotations"][least] == "1"
    assert least not in job(tmp_path)["metadata"]["annotations"]
    assert least not in job(tmp_path, cluster={**CLUSTER, "queue": "team"}, **HOSTS)["metadata"]["annotations"]


def test_what_is_compiled_stays_on_the_volume_apart_for_each_image_and_machine(tmp_path):
    def cache(**fields):
        (container,) = pod(tmp_path, **fields)["containers"]
        return next(each["value"] for each in container["env"] if each["name"] == "XDG_CACHE_HOME")

    gpu = {"resources": {"gpu": {"count": 1, "kind": "nvidia-l4"}}}
    found = [cache(), cache(cluster={**CLUSTER, "image": "other"}), cache(**gpu), cache(resources={"cpu": "8"})]
    assert all(each.startswith("/workspace/.cache/") for each in found)
    assert len(set(found[:3])) == 3 and found[3] == found[0]
    assert found[2].endswith("-nvidia-l4")


def test_a_pod_has_shared_memory_and_a_volume_whose_owner_is_set_once(tmp_path):
    spec = pod(tmp_path)
    (memory,) = (each for each in spec["volumes"] if each["name"] == "shared-memory")
    assert memory["emptyDir"] == {"medium": "Memory", "sizeLimit": "1Gi"}
    assert {"name": "shared-memory", "mountPath": "/dev/shm"} in spec["containers"][0]["volumeMounts"]
    assert spec["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"


def test_a_priority_is_of_the_pods(tmp_path):
    pod = job(tmp_path, cluster={**CLUSTER, "priority": "urgent"})["spec"]["template"]["spec"]
    assert pod["priorityClassName"] == "urgent"
    assert "priorityClassName" not in job(tmp_path)["spec"]["template"]["spec"]


def test_a_pod_has_no_rights_that_it_does_not_need(tmp_path):
    spec = pod(tmp_path)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"]
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_pod_keeps_the_init_of_its_image_and_compiles_for_the_next_one(tmp_path):
    (container,) = pod(tmp_path)["containers"]
    assert "command" not in container and container["args"][0] == "python"
    environment = {each["name"]: each["value"] for each in container["env"]}
    (mount,) = (each["mountPath"] for each in container["volumeMounts"] if each["name"] == "workspace")
    assert environment["XDG_CACHE_HOME"].startswith(f"{mount}/.")


def test_retries_and_the_time_limit_travel(tmp_path):
    command = pod(tmp_path, retries=4, time_limit_minutes=7.5)["containers"][0]["args"]
    assert command[command.index("--retries") + 1] == "4"
    assert command[command.index("--time-limit-minutes") + 1] == "7.5"


def test_what_cannot_be_sent_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"cluster: is missing"):
        manifests(load_sweep(sweeps.write(tmp_path))[0], sweeps.trials(tmp_path))
    with pytest.raises(ConfigError, match="all trials are done"):
        manifests(load_sweep(sweeps.write(tmp_path, cluster=CLUSTER))[0], [])
    folder = run_folder(tmp_path / "parent")
    with pytest.raises(ConfigError, match=r"trial 1: parent: '.*parent:3' is a folder of this machine"):
        make(tmp_path, base={**sweeps.TINY, "parent": f"{folder}:3"})


def run_folder(path):
    """As much of a run as naming its iteration needs."""
    config = dataclasses.replace(default_config("ppo", "humanoid-walk", "cpu"), name=path.name)
    path.mkdir()
    (path / "config.yaml").write_text(yaml.safe_dump(encode(config)))
    checkpoints = Checkpoints(path)
    checkpoints.save(3, {"x": np.zeros(1)})
    checkpoints.wait()
    return path


def test_a_parent_on_the_volume_is_named_by_its_iteration(tmp_path):
    base = {**sweeps.TINY, "parent": "/workspace/other/run:30"}
    config_map = make(tmp_path, base=base)[0][0]
    assert lines(config_map)[0][0]["config"]["parent"] == "/workspace/other/run:30"
    with pytest.raises(ConfigError, match=r"trial 1.*parent: '/workspace/other/run' lies on the cluster's volume"):
        make(tmp_path, base={**base, "parent": "/workspace/other/run"})
    with pytest.raises(ConfigError, match=r"parent: /workspace/other/run:30"):  # here it would have to be there
        sweeps.trials(tmp_path, base=base)


TASK = "from envs.tasks.humanoid_walk import HumanoidWalk as Mine\n"


def test_tasks_in_files_travel_with_what_lies_beside_them(tmp_path):
    envs = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "task.py").write_text(TASK + f"# {name}\n")
        envs.append(f"{tmp_path / name}/task.py:Mine")
    (tmp_path / "a" / "task.xml").write_text("<mujoco/>")
    (tmp_path / "a" / "tasks.xml").write_text("another's")
    (of_trials, *tasks, job), trials = make(tmp_path, base=sweeps.TINY, grid={"env": envs}, seeds=2)
    assert [sorted(each["data"]) for each in tasks] == [["task.py", "task.xml"], ["task.py"]]
    assert len({trial.key for trial in trials}) == 4
    mounted = mount(of_trials, tmp_path / "mounted")
    text = gzip.decompress((mounted / "trials.jsonl.gz").read_bytes()).decode()
    (mounted / "trials.jsonl.gz").write_bytes(gzip.compress(text.replace('"/etc/flexrl', f'"{mounted}').encode()))
    for source in job["spec"]["template"]["spec"]["volumes"][0]["projected"]["sources"][1:]:
        (config_map,) = (m for m in tasks if m["metadata"]["name"] == source["configMap"]["name"])
        for item in source["configMap"]["items"]:
            (mounted / item["path"]).parent.mkdir(parents=True, exist_ok=True)
            (mounted / item["path"]).write_text(config_map["data"][item["key"]])
    for index, trial in enumerate(trials):
        (found,) = read_trials(mounted, str(index))
        assert (found.config_hash, found.key) == (trial.config_hash, trial.key)
        assert task_files.trial_key(found.config.env, found.config_hash) == trial.key  # as an attempt asks
    assert config_maps_of(job) == [each["metadata"]["name"] for each in (of_trials, *tasks)]


def test_a_task_that_is_too_large_or_no_text_stays_here(tmp_path, monkeypatch):
    (tmp_path / "task.py").write_text(TASK)
    base = {**sweeps.TINY, "env": f"{tmp_path}/task.py:Mine"}
    (tmp_path / "task.stl").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"task.stl is no text.*entry point"):
        make(tmp_path, base=base)
    (tmp_path / "task.stl").write_text("x" * 10_000)
    monkeypatch.setattr(config_maps, "MAX_CONFIG_MAP_BYTES", 9_000)
    size = f"{len(TASK) + 10_000:,}"
    with pytest.raises(ConfigError, match=f"task.py, task.stl have {size} bytes, and at most 9,000 travel"):
        make(tmp_path, base=base)


def test_a_robot_travels_with_the_files_that_it_reads(tmp_path):
    (tmp_path / "legs.xml").write_text("<mujocoinclude/>")
    (tmp_path / "robot.yaml").write_text("another's")
    path = written(tmp_path, quadruped(extra='<include file="legs.xml"/>'), "robot.xml")
    (_, task, _), (trial,) = make(tmp_path, base={**sweeps.TINY, "env": path})
    assert sorted(task["data"]) == ["legs.xml", "robot.xml"]
    (tmp_path / "legs.xml").write_text("<mujocoinclude><asset/></mujocoinclude>")
    assert task_files.trial_key(path, trial.config_hash) != trial.key
    (tmp_path / "parts").mkdir()
    (tmp_path / "legs.xml").rename(tmp_path / "parts" / "legs.xml")
    written(tmp_path, quadruped(extra='<include file="parts/legs.xml"/>'), "robot.xml")
    with pytest.raises(ConfigError, match="reads files in several folders"):
        make(tmp_path, base={**sweeps.TINY, "env": path})
