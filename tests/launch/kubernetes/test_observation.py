"""What Jobs and pods mean; `tests.launch.kubernetes.test_remote.py` has the same with pods that run."""

from datetime import datetime

import pytest

from launch.attempt.pod_report import PodReport, encode
from launch.kubernetes.observation import FAILURES_BEFORE, INDEX, JOB, observe
from launch.plan.states import Progress

KEYS = ["a", "b", "c"]


def clock(minute):
    return f"2026-01-01T00:{int(minute):02}:00Z"


NOW = datetime.fromisoformat(clock(30))


def job(name="j", keys="a b c", at="1", suspend=False, conditions=(), leaving=False, **status):
    metadata = {"name": name, "creationTimestamp": clock(at), "annotations": {"flexrl/keys": keys}}
    metadata |= {"deletionTimestamp": clock(20)} if leaving else {}
    status["conditions"] = [{"type": kind, "status": "True", "message": "why it ended"} for kind in conditions]
    return {"metadata": metadata, "spec": {"suspend": suspend}, "status": status}


def pod(index, phase, at="1", job="j", conditions=(), code=None, said=None, ended=None, leaves=None, **status):
    metadata = {"name": f"{job}-{index}-{at}", "labels": {JOB: job}, "annotations": {INDEX: str(index)}}
    metadata |= {"deletionTimestamp": leaves} if leaves else {}
    if code is not None:
        end = {"exitCode": code, "message": said} | ({"finishedAt": ended} if ended else {})
        status["containerStatuses"] = [{"name": "trial", "state": {"terminated": end}}]
    status |= {"phase": phase, "conditions": [{"type": kind, "status": "True", "reason": "r"} for kind in conditions]}
    metadata |= {"creationTimestamp": clock(at), "resourceVersion": at}
    return {"metadata": metadata, "spec": {"nodeName": "n"}, "status": status}


def look(jobs, pods, records=None, retries=1, now=NOW):
    return observe({key: Progress() for key in KEYS} | (records or {}), jobs, pods, retries, now)


def states(found):
    return [(found[key].progress.state, found[key].progress.attempts, found[key].held) for key in KEYS]


def test_indexes_are_trials_and_what_is_not_begun_waits():
    found = look([job(completedIndexes="0", failedIndexes="2")], [])
    assert states(found) == [("done", 1, False), ("waiting", 0, True), ("failed", 1, False)]
    assert found["c"].progress.reason == "its pods are gone"


def test_several_ranges_of_indexes_are_read():
    assert [s for s, *_ in states(look([job(completedIndexes="0-1")], []))] == ["done", "done", "waiting"]
    assert [s for s, *_ in states(look([job(completedIndexes="0,2")], []))] == ["done", "waiting", "done"]


@pytest.mark.parametrize(
    ("ended", "state", "failures", "reason"),
    [
        ({"code": 1, "said": "x\nlast"}, "waiting", 1, "exit code 1: last"),
        ({"code": 137}, "waiting", 1, "killed by SIGKILL"),
        ({"code": 70, "said": "diverged: so"}, "failed", 1, "diverged: so"),
        ({"code": 75, "said": "stopped: so"}, "waiting", 0, "stopped: so"),
        ({"code": 137, "conditions": ["DisruptionTarget"]}, "waiting", 0, "its pod was taken away: r"),
        ({"reason": "Evicted", "message": "no disk"}, "waiting", 0, "Evicted: no disk"),
    ],
)
def test_the_end_of_a_pod_is_an_event_of_the_state_machine(ended, state, failures, reason):
    found = look([job()], [pod(0, "Failed", **ended)])
    progress = found["a"].progress
    assert (progress.state, progress.attempts, progress.failures) == (state, 1, failures)
    again = f"waits to be tried again, 0 s ({reason})" if state == "waiting" else reason
    assert progress.reason == again and found["a"].held


def test_crashes_of_several_pods_add_up_in_the_order_of_time():
    crashed = [pod(0, "Failed", at=str(i), code=1, said=f"crash {i}") for i in (2, 1)]
    found = look([job()], crashed)["a"].progress
    assert (found.state, found.attempts, found.failures, found.reason) == ("failed", 2, 2, "exit code 1: crash 2")
    assert look([job()], [*crashed, pod(0, "Running", at="3")])["a"].progress.attempts == 3


def test_a_report_counts_more_than_what_is_seen():
    report = PodReport("a", Progress("stopped", 7, 3, 9.0, 75, "why"), 40, 2.5)
    found = look([job(conditions=["Failed"])], [pod(0, "Failed", code=75, said=encode([report]))])["a"]
    assert (found.progress, found.report) == (report.progress, report)


def test_trials_of_a_pack_have_ends_of_their_own():
    reports = [PodReport("a", Progress("done", 1)), PodReport("b", Progress("failed", 1, reason="diverged"))]
    ended = pod(0, "Failed", code=70, said=encode(reports))
    records = {key: Progress() for key in KEYS}
    found = observe(records, [job(keys="a,b c", failedIndexes="0")], [ended, pod(1, "Running")], 1, NOW)
    assert states(found) == [("done", 1, False), ("failed", 1, False), ("running", 1, True)]
    assert found["b"].progress.reason == "diverged"
    found = observe(records, [job(keys="a,b c")], [pod(0, "Failed", code=137, said="Killed")], 1, NOW)
    assert [found[key].progress.failures for key in KEYS] == [1, 1, 0]


def test_what_ended_with_its_job_goes_on_when_submitted():
    found = look([job(conditions=["Failed"], failedIndexes="")], [pod(0, "Failed", code=74, said="disk")])
    assert [(s, held) for s, _, held in states(found)] == [("stopped", False)] * 3
    assert [found[key].progress.reason for key in KEYS] == ["disk", "why it ended", "why it ended"]


def test_a_suspended_job_says_so():
    assert "suspended" in look([job(suspend=True)], [])["a"].progress.reason


def test_the_newest_job_decides_and_begins_with_all_retries():
    old = job("old", at="1", failedIndexes="1", conditions=["Failed"])
    found = look([job("new", "b", at="2"), old], [pod(1, "Failed", job="old", code=1)], retries=0)
    assert (found["b"].progress.state, found["b"].job, found["b"].held) == ("waiting", "new", True)
    assert found["b"].progress.failures == 0
    again = [pod(1, "Failed", job="old", code=1), pod(0, "Failed", at="3", job="new", code=1)]
    progress = look([job("new", "b", at="2", failedIndexes="0"), old], again, retries=0)["b"].progress
    assert (progress.state, progress.attempts) == ("failed", 2)


def test_a_failure_that_was_cleared_here_stays_cleared_until_another():
    jobs, pods = [job(failedIndexes="0", conditions=["Failed"])], [pod(0, "Failed", code=1)]
    cleared = {"a": Progress("waiting", attempts=1)}
    assert look(jobs, pods, cleared)["a"].progress.state == "waiting"
    assert look(jobs, [*pods, pod(0, "Failed", at="2", code=1)], cleared)["a"].progress.state == "failed"


def test_what_is_done_here_is_done_whatever_the_cluster_forgot():
    done = Progress("done", 4)
    assert look([job(failedIndexes="0")], [], {"a": done})["a"].progress == done
    assert look([], [], {"a": done})["a"].progress == done


def test_an_index_that_failed_waits_twice_as_long_each_time_as_the_job_controller_does():
    def waits(failures, ignored, now):
        failed = pod(0, "Failed", code=75, said="stopped: so", ended=clock(5))
        failed["metadata"]["annotations"] |= {FAILURES_BEFORE[0]: str(failures), FAILURES_BEFORE[1]: str(ignored)}
        found = look([job()], [failed], now=datetime.fromisoformat(now))["a"]
        return found.progress.state, found.progress.reason, found.waits_until.isoformat()[11:19]

    assert waits(0, 0, clock(5)) == ("waiting", "waits to be tried again, 10 s (stopped: so)", "00:05:10")
    assert waits(1, 2, clock(5)) == ("waiting", "waits to be tried again, 80 s (stopped: so)", "00:06:20")
    assert waits(0, 9, clock(14)) == ("waiting", "waits to be tried again, 60 s (stopped: so)", "00:15:00")
    assert waits(0, 0, clock(9))[1] == "waits to be tried again, 0 s (stopped: so)"


def test_a_job_that_is_being_removed_still_knows_its_trials():
    found = look([job(leaving=True)], [pod(0, "Running", leaves=clock(30))])
    assert states(found) == [("running", 1, True), ("waiting", 0, True), ("waiting", 0, True)]
    assert found["a"].progress.reason == "is asked to save and stop"
    assert found["b"].progress.reason == "its Job is being removed"


def test_a_pod_that_should_be_gone_is_on_a_node_that_does_not_answer():
    found = look([job()], [pod(0, "Running", leaves=clock(29))])
    assert found["a"].progress.reason == "was asked to stop, and its node n does not answer"
