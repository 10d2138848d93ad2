"""Sweeps on a cluster: the real client against a server that speaks the Kubernetes API, pods as processes here."""

import json
import time
from datetime import timedelta

import pytest

from launch.attempt.trial_folder import TrialFolder
from launch.kubernetes import client as cluster
from launch.kubernetes import observation, remote
from launch.plan.states import MAX_IDLE, Progress
from tests.launch import sweeps
from tests.launch.conftest import CLUSTER
from tests.launch.fake_training import CRASHES_ONCE, NEVER_ENDS


def wait_until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ended(server):
    jobs = server.all("jobs")
    return all(
        any(c["type"] in ("Complete", "Failed") for c in job.get("status", {}).get("conditions", [])) for job in jobs
    )


def indexes(server):
    return [(job["metadata"]["name"], job["spec"]["completions"]) for job in server.all("jobs")]


def test_submitting_twice_changes_nothing_and_another_axis_sends_the_new_trials_only(server, on_cluster):
    assert "3 of 3 trials sent, as Job tiny-" in on_cluster("submit", seeds=3)[1]
    (before,) = server.all("jobs")
    maps = server.all("configmaps")
    assert on_cluster("submit", seeds=3) == (0, "tiny: submitted before; no change (3 waiting)\n", "")
    assert server.all("jobs") == [before] and server.all("configmaps") == maps
    assert "2 of 5 trials sent" in on_cluster("submit", seeds=5)[1]
    assert [number for _, number in indexes(server)] == [3, 2]
    assert (
        "no change (5 waiting)" in on_cluster("submit", seeds=5, workspace="another")[1]
    )  # nothing is kept here alone


def test_a_dry_run_asks_the_server_and_leaves_it_as_it_is(server, on_cluster):
    assert "2 of 2 trials would be sent, as Job tiny-" in on_cluster("submit", "--dry-run", seeds=2)[1]
    assert server.count("PATCH", "jobs/.*dryRun=All") == 1
    on_cluster("submit", seeds=2)
    before = server.all("jobs")
    for name in ("submit", "cancel", "retry"):
        assert on_cluster(name, "--dry-run", seeds=4)[0] == 0
    assert server.all("jobs") == before


def test_trials_run_as_pods_and_their_results_come_home(server, controller, on_cluster, tmp_path):
    seeds = {"seeds": [3, CRASHES_ONCE, 65], "retries": 1}
    on_cluster("submit", **seeds)
    wait_until(lambda: ended(server))
    code, out, _ = on_cluster("status", **seeds)
    assert code == 0 and "1 failed" in out and "2 done" in out and "no Job goes on" in out
    assert "error: as asked, 65" in out
    rows = [line.split() for line in out.splitlines()]
    assert [row[3:6] for row in rows if row[:1] == ["2"]] == [["done", "2", "0"]]
    assert "seed 65" in on_cluster("logs", "3", **seeds)[1]
    code, out, _ = on_cluster("results", "--out", str(tmp_path / "out"), **seeds)
    assert "2 of 3 trials have a result" in out and "missing: trial 3" in out
    assert "no change (2 done, 1 failed)" in on_cluster("submit", **seeds)[1]
    on_cluster("cancel", **seeds)
    for job in server.all("jobs"):
        cluster.Cluster("default").delete(job)
    wait_until(lambda: not server.all("jobs") and not server.all("configmaps") and not server.all("pods"))
    assert "no change (2 done, 1 failed)" in on_cluster("submit", **seeds)[1]  # it is known here


def test_packs_run_in_a_pod_each_and_their_trials_end_for_themselves(server, controller, on_cluster, tmp_path):
    seeds = {"seeds": [3, CRASHES_ONCE, 4, 70, 5, 6], "retries": 1}
    assert "6 of 6 trials sent" in on_cluster("submit", "--pack", "4", **seeds)[1]
    assert [number for _, number in indexes(server)] == [2]
    wait_until(lambda: ended(server))
    out = on_cluster("status", **seeds)[1]
    assert "5 done, 1 failed" in out and "as asked, 70" in out
    assert "seed 4" in on_cluster("logs", "3", **seeds)[1]
    assert "5 of 6 trials have a result" in on_cluster("results", "--out", str(tmp_path / "out"), **seeds)[1]
    assert "no change (5 done, 1 failed)" in on_cluster("submit", "--pack", "2", **seeds)[1]


def test_results_that_a_termination_message_has_no_room_for_come_from_the_log(server, controller, on_cluster, tmp_path):
    on_cluster("submit", "--pack", "3", seeds=[3, 4, 5])
    wait_until(lambda: ended(server))
    pods = {key: pod for key, pod in server.store.objects.items() if key[0] == "pods"}
    for key, pod in pods.items():
        state = pod["status"]["containerStatuses"][0]["state"]["terminated"]
        reports = [report | {"result": None} for report in json.loads(state["message"])]
        state = {"terminated": {**state, "message": json.dumps(reports)}}
        server.store.update(key, containerStatuses=[{"name": "trial", "state": state}])
    assert "3 of 3 trials have a result" in on_cluster("results", "--out", str(tmp_path / "out"), seeds=[3, 4, 5])[1]
    assert server.count("GET", "/log") == 1


def test_hosts_of_a_trial_run_together_and_the_first_keeps_account(server, controller, on_cluster, tmp_path):
    fields = {"base": {**sweeps.TINY, "num_devices": 2}, "resources": {"hosts": 2}, "seeds": [3, 70], "retries": 1}
    assert (
        "1 of 2 trials would be sent, 1 at a time; watch"
        in on_cluster("submit", "--dry-run", **fields, parallelism=1)[1]
    )
    assert (
        "2 of 2 trials sent, 8 at a time; watch, or another submit, sends the next, as Job tiny-0-"
        in on_cluster("submit", **fields)[1]
    )
    assert [number for _, number in indexes(server)] == [2, 2]
    assert len(server.all("services")) == 2
    wait_until(lambda: ended(server))
    out = on_cluster("status", **fields)[1]
    assert "1 done, 1 failed" in out and "as asked, 70" in out
    kinds = [job["status"]["conditions"][-1]["type"] for job in server.all("jobs")]
    assert sorted(kinds) == ["Complete", "Failed"]
    assert "1 of 2 trials have a result" in on_cluster("results", "--out", str(tmp_path / "out"), **fields)[1]
    assert "no change (1 done, 1 failed)" in on_cluster("submit", **fields)[1]
    for job in server.all("jobs"):
        cluster.Cluster("default").delete(job)
    wait_until(lambda: not server.all("jobs") and not server.all("configmaps") and not server.all("services"))


def test_retry_sends_what_failed_and_nothing_else(server, controller, on_cluster, tmp_path):
    seeds = {"seeds": [3, 70], "retries": 0}
    on_cluster("submit", **seeds)
    wait_until(lambda: ended(server))
    assert "1 failed trials would be cleared" in on_cluster("retry", "--dry-run", **seeds)[1]
    assert "1 failed trials cleared" in on_cluster("retry", **seeds)[1]
    assert "1 waiting" in on_cluster("status", **seeds)[1]
    assert "1 of 2 trials sent" in on_cluster("submit", **seeds)[1]
    wait_until(lambda: ended(server))
    assert [number for _, number in indexes(server)] == [2, 1]
    (log,) = [
        path.read_text() for path in controller.node.volume.glob("tiny/*/log.txt") if "seed 70" in path.read_text()
    ]
    assert log.count("seed 70") == 2  # it was tried again, and failed again
    assert "1 done, 1 failed" in on_cluster("status", **seeds)[1]


def test_cancel_lets_trials_save_and_submit_goes_on_with_them(server, controller, on_cluster):
    seeds = {"seeds": [NEVER_ENDS, 3]}
    on_cluster("submit", **seeds)
    volume = controller.node.volume

    def begun():
        return [path for path in volume.glob("tiny/*/log.txt") if f"seed {NEVER_ENDS}" in path.read_text()]

    wait_until(lambda: begun() and "1 done, 1 running" in on_cluster("status", **seeds)[1])
    assert "1 trials would be stopped" in on_cluster("cancel", "--dry-run", **seeds)[1]
    assert "1 trials stopped" in on_cluster("cancel", **seeds)[1]
    (log,) = begun()
    assert "stopped: asked to" in log.read_text()
    assert server.all("jobs") == server.all("pods") == server.all("configmaps") == []
    assert "1 done, 1 stopped; no Job goes on" in on_cluster("status", **seeds)[1]
    (log.parent / "let-end").touch()
    assert "1 of 2 trials sent" in on_cluster("submit", **seeds)[1]
    assert "2 done" in on_cluster("watch", **seeds)[1]
    assert json.loads((log.parent / "progress.json").read_text())["attempts"] == 2


def test_trials_that_are_still_saving_are_not_sent_to_the_job_that_goes(server, controller, on_cluster):
    seeds = {"seeds": [NEVER_ENDS]}
    on_cluster("submit", **seeds)
    (job,) = server.all("jobs")
    wait_until(lambda: [path for path in controller.node.volume.glob("tiny/*/log.txt") if "seed" in path.read_text()])
    (name,) = controller.node.names()
    controller.node.pause(name)  # it does not save at once
    cluster.Cluster("default").delete(job)
    wait_until(lambda: not server.all("configmaps"))  # these go at once, the pods take their time
    assert "no change (1 running)" in on_cluster("submit", **seeds)[1]
    assert "is asked to save and stop" in on_cluster("status", **seeds)[1]
    assert on_cluster("results", **seeds)[0] == 65  # no trial has one yet
    with pytest.raises(cluster.ConfigError, match="is being removed"):
        cluster.Cluster("default").apply({**job, "metadata": {k: job["metadata"][k] for k in ("name", "labels")}})
    controller.node.go_on(name)
    wait_until(lambda: not server.all("jobs"))
    assert "1 of 1 trials sent" in on_cluster("submit", **seeds)[1]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"resources": {"gpu": {"count": 1}}}, "Unschedulable: 0/1 nodes: 1 Insufficient nvidia.com/gpu"),
        ({"cluster": {**CLUSTER, "image": "missing"}}, 'ImagePullBackOff: Back-off pulling image "missing"'),
        ({"quota": "exceeded quota: flexrl"}, "goes on; tiny-"),
        ({"suspend": True}, "the Job is suspended"),
    ],
)
def test_it_is_told_why_a_trial_waits(server, controller, on_cluster, fields, why):
    controller.quota = fields.pop("quota", None)
    suspend = fields.pop("suspend", False)
    if suspend:
        controller.quota = "none"  # until it is suspended
    on_cluster("submit", **fields)
    if suspend:
        (job,) = server.all("jobs")
        key = ("jobs", "default", job["metadata"]["name"])
        server.store.put(key, {**server.store.objects[key], "spec": {**job["spec"], "suspend": True}})
    wait_until(lambda: why in on_cluster("status", **fields)[1])
    assert "1 waiting" in on_cluster("status", **fields)[1]


def test_memory_that_runs_out_counts_and_a_pod_that_is_taken_away_does_not(server, controller, on_cluster):
    fields = {"seeds": [NEVER_ENDS], "retries": 1}
    on_cluster("submit", **fields)
    node = controller.node

    def begun():
        return sum(path.read_text().count("seed") for path in node.volume.glob("tiny/*/log.txt"))

    for times, take in enumerate([node.evict, node.lose, node.run_out_of_memory, node.run_out_of_memory], 1):
        wait_until(lambda times=times: begun() == times)
        (name,) = node.names()
        take(name)
        wait_until(lambda name=name: name not in node.names())
    wait_until(lambda: ended(server))
    out = on_cluster("status", **fields)[1]
    assert "1 failed" in out and "killed by SIGKILL: out of memory; raise resources.memory" in out


def test_a_full_disk_ends_the_job_and_the_trials_stay_to_be_sent_again(server, controller, on_cluster):
    seeds = {"seeds": [74, 5, 6], "parallelism": 1}
    on_cluster("submit", **seeds)
    wait_until(lambda: ended(server))
    out = on_cluster("status", **seeds)[1]
    assert "3 stopped; no Job goes on" in out and "as asked, 74" in out
    names = [name for name, _ in indexes(server)]
    assert "trials sent" in on_cluster("submit", **seeds)[1]
    assert len(set(dict(indexes(server))) - set(names)) == 1  # under another name than the Job that ended
    (config_map,) = server.all("configmaps")  # the same trials, so the same one; it stays as long as one of the Jobs
    assert {each["uid"] for each in config_map["metadata"]["ownerReferences"]} == {
        job["metadata"]["uid"] for job in server.all("jobs")
    }


def begun_pod(controller):
    """The name of a pod whose training has begun."""
    wait_until(lambda: [path for path in controller.node.volume.glob("tiny/*/log.txt") if "seed" in path.read_text()])
    return controller.node.names()[0]


def test_one_pod_whose_node_does_not_answer_is_a_note_beside_its_row(server, controller, on_cluster, waits):
    seeds = {"seeds": [NEVER_ENDS, 3]}
    on_cluster("submit", **seeds)
    name = begun_pod(controller)
    wait_until(lambda: "1 done, 1 running" in on_cluster("status", **seeds)[1])
    controller.node.cut_off(name)
    before = server.count("GET", "/log")
    code, out, error = on_cluster("status", **seeds)
    assert (code, error) == (0, "") and "1 done, 1 running" in out
    assert f"the log of Pod {name} cannot be read: 500 Internal Server Error" in out
    assert server.count("GET", "/log") == before + 1 and waits == []  # asked for once
    code, out, error = on_cluster("logs", "1", **seeds)
    assert code == 69 and out == "" and error.startswith(f"error: the log of Pod {name} cannot be read")
    assert on_cluster("submit", **seeds)[0] == on_cluster("results", **seeds)[0] == 0


def test_logs_that_cannot_be_read_cost_a_look_so_many_seconds_and_no_more(server, controller, on_cluster, monkeypatch):
    seeds = {"seeds": [NEVER_ENDS]}
    on_cluster("submit", **seeds)
    controller.node.cut_off(begun_pod(controller))
    monkeypatch.setattr(remote, "UNREADABLE_SECONDS", 0.0)
    before = server.count("GET", "/log")
    assert "its log was not asked for: others could not be read" in on_cluster("status", **seeds)[1]
    assert server.count("GET", "/log") == before


def test_a_pod_on_a_node_that_does_not_answer_keeps_no_cancel_open(server, controller, on_cluster, monkeypatch):
    monkeypatch.setattr(observation, "LATE", timedelta(0))
    seeds = {"seeds": [NEVER_ENDS]}
    on_cluster("submit", **seeds)
    name = begun_pod(controller)
    controller.node.cut_off(name)
    code, out, error = on_cluster("cancel", **seeds)
    assert code == 0 and "1 trials stopped" in out
    assert f"its last pods are on nodes that do not answer ({name} on node)" in error and "--force" in error
    assert error.count("\n") == 1
    assert "its node node does not answer" in on_cluster("status", **seeds)[1]


def test_results_whose_pods_are_gone_are_brought_home_by_the_next_submit(server, controller, on_cluster, tmp_path):
    seeds = {"seeds": [3, 4, 5]}
    on_cluster("submit", **seeds)
    wait_until(lambda: ended(server))
    controller.collect_finished_pods()
    out = on_cluster("status", **seeds)[1]
    assert "3 done" in out and "its result is on the volume only; submit brings it here" in out
    code, _, error = on_cluster("results", "--out", str(tmp_path / "out"), **seeds)
    assert code == 65 and "3 results are on the volume only; submit brings them here" in error
    assert "3 of 3 trials would be sent, 3 of them only to bring" in on_cluster("submit", "--dry-run", **seeds)[1]
    assert "3 of 3 trials sent, 3 of them only to bring the results home" in on_cluster("submit", **seeds)[1]
    wait_until(lambda: ended(server))
    assert "3 of 3 trials have a result" in on_cluster("results", "--out", str(tmp_path / "out"), **seeds)[1]
    assert "no change (3 done)" in on_cluster("submit", **seeds)[1]
    logs = list(controller.node.volume.glob("tiny/*/log.txt"))
    assert [path.read_text().count("seed") for path in logs] == [1, 1, 1]  # nothing was trained again


def test_what_the_cluster_has_forgotten_is_found_on_the_volume(server, controller, on_cluster, tmp_path):
    seeds = {"seeds": [3, 4]}
    on_cluster("submit", **seeds)
    wait_until(lambda: ended(server))
    for job in server.all("jobs"):  # its time to live is over
        cluster.Cluster("default").delete(job)
    wait_until(lambda: not server.all("jobs"))
    assert "2 of 2 trials sent" in on_cluster("submit", **seeds)[1]
    wait_until(lambda: ended(server))
    assert "2 of 2 trials have a result" in on_cluster("results", "--out", str(tmp_path / "out"), **seeds)[1]
    logs = list(controller.node.volume.glob("tiny/*/log.txt"))
    assert [path.read_text().count("seed") for path in logs] == [1, 1]


def test_trials_that_wait_to_be_tried_again_keep_no_place_from_others(server, controller, on_cluster, monkeypatch):
    monkeypatch.setattr(observation, "FIRST_BACKOFF", timedelta(seconds=300))
    controller.first_backoff = 300.0
    fields = {"seeds": [75, 76, 3, 4], "parallelism": 2, "retries": 1}  # one is ignored, one counts
    on_cluster("submit", **fields)
    failed = lambda: sum(pod["status"]["phase"] == "Failed" for pod in server.all("pods"))  # noqa: E731
    wait_until(lambda: failed() == 2)
    out = on_cluster("status", **fields)[1]
    assert "4 waiting" in out and "waits to be tried again, 300 s (error: as asked, 75)" in out.replace(
        "299 s", "300 s"
    )
    time.sleep(0.3)
    assert len(server.all("pods")) == 2  # so far nobody behind them has a turn
    assert "2 more trials may begin while others wait to be tried again" in on_cluster("submit", **fields)[1]
    (job,) = server.all("jobs")
    assert job["spec"]["parallelism"] == 4
    wait_until(lambda: "2 done, 2 waiting" in on_cluster("status", **fields)[1])
    assert "may begin" not in on_cluster("submit", **fields)[1]
    controller._not_before.clear()  # their time has come
    wait_until(lambda: failed() == 3 or "failed" in on_cluster("status", **fields)[1])


def test_a_queues_jobs_keep_their_parallelism(server, controller, on_cluster, monkeypatch):
    monkeypatch.setattr(observation, "FIRST_BACKOFF", timedelta(seconds=300))
    controller.first_backoff = 300.0
    fields = {"seeds": [75, 3], "parallelism": 1, "cluster": {**CLUSTER, "queue": "team"}}
    on_cluster("submit", **fields)
    wait_until(lambda: any(pod["status"]["phase"] == "Failed" for pod in server.all("pods")))
    on_cluster("submit", **fields)
    assert [job["spec"]["parallelism"] for job in server.all("jobs")] == [1]


def test_a_quota_is_told_also_while_other_pods_of_the_job_run(server, controller, on_cluster):
    seeds = {"seeds": [NEVER_ENDS, 3], "parallelism": 1}
    on_cluster("submit", **seeds)
    begun_pod(controller)
    controller.quota = "exceeded quota: flexrl"
    with server.store.changed:
        (job,) = server.all("jobs")
        key = ("jobs", "default", job["metadata"]["name"])
        server.store.put(key, {**server.store.objects[key], "spec": {**job["spec"], "parallelism": 2}})
    wait_until(lambda: "goes on; tiny-" in on_cluster("status", **seeds)[1])
    out = on_cluster("status", **seeds)[1]
    assert "1 running, 1 waiting" in out and "exceeded quota: flexrl" in out


def test_jobs_of_trials_of_several_hosts_are_let_go_when_their_results_are_home(server, controller, on_cluster):
    fields = {"base": {**sweeps.TINY, "num_devices": 2}, "resources": {"hosts": 2}, "seeds": [3, 70], "retries": 0}
    on_cluster("submit", **fields)
    wait_until(lambda: ended(server))
    on_cluster("watch", **fields)
    stays = {job["spec"]["ttlSecondsAfterFinished"] for job in server.all("jobs")}
    assert stays == {remote.HOME_SECONDS, 7 * 24 * 3600}  # of the failed one the cluster still tells why


def test_trials_of_several_hosts_without_a_queue_take_turns(server, controller, on_cluster):
    fields = {"base": {**sweeps.TINY, "num_devices": 2}, "resources": {"hosts": 2}, "seeds": [3, 4], "parallelism": 1}
    assert "1 of 2 trials sent" in on_cluster("submit", **fields)[1]
    assert "no change" in on_cluster("submit", **fields)[1] or ended(server)
    out = on_cluster("watch", **fields)[1]
    assert "1 trials sent, as Job tiny-0-" in out and "2 done" in out
    assert len(server.all("jobs")) == 2
    queued = {**fields, "seeds": [5, 6], "cluster": {**CLUSTER, "queue": "team"}}
    assert "2 of 2 trials sent, as Job" in on_cluster("submit", **queued)[1]


def test_a_trial_that_never_comes_further_is_not_tried_for_ever(server, controller, on_cluster, tmp_path):
    fields = {"seeds": [75]}
    (trial,) = sweeps.trials(tmp_path, **fields)
    folder = TrialFolder(controller.node.volume / "tiny" / trial.key, trial.config_hash)
    folder.path.mkdir(parents=True)
    folder.write(Progress("stopped", MAX_IDLE, reason="taken away", idle=MAX_IDLE - 1))  # as many before it
    on_cluster("submit", **fields)
    wait_until(lambda: ended(server))
    out = on_cluster("status", **fields)[1]
    assert "1 failed" in out and "attempts were interrupted without progress (error: as asked, 75)" in out
    assert "1 failed trials cleared" in on_cluster("retry", **fields)[1]
