import pytest

from launch.plan.states import (
    ANOTHERS,
    EXIT_TIME_LIMIT,
    MAX_IDLE,
    Ended,
    Progress,
    begun,
    cleared,
    ended,
    found_result,
    goes_on_alone,
    lost,
    stops_sweep,
    told,
)

RUNNING = begun(Progress())


def after(code, *, has_result=False, asked=False, progress=RUNNING, retries=2):
    return ended(progress, Ended(code, has_result, asked, 10.0, "last line"), retries)


def test_beginning_counts_an_attempt():
    assert (RUNNING.state, RUNNING.attempts, RUNNING.failures) == ("running", 1, 0)
    assert begun(after(75)).attempts == 2


@pytest.mark.parametrize(
    ("code", "state", "failures", "exit_code"),
    [
        (65, "failed", 1, 65),
        (70, "failed", 1, 70),
        (124, "failed", 1, 124),
        (74, "stopped", 0, 74),
        (75, "stopped", 0, 75),
        (1, "waiting", 1, 1),
        (-9, "waiting", 1, 137),
        (0, "waiting", 1, 1),
    ],
)
def test_an_exit_code_decides_without_a_result(code, state, failures, exit_code):
    progress = after(code)
    assert (progress.state, progress.failures, progress.exit_code) == (state, failures, code)
    assert "last line" in progress.reason
    assert told([progress]) == exit_code
    assert stops_sweep(progress) == (code == 74)


@pytest.mark.parametrize("code", [0, 1, -9, 74, 75])
def test_a_result_is_what_counts(code):
    progress = after(code, has_result=True)
    assert (progress.state, progress.reason, told([progress])) == ("done", "", 0)
    assert not stops_sweep(progress)


def test_who_was_asked_to_stop_has_not_failed_however_it_ended():
    for code in (75, -15, -9, 1):
        progress = after(code, asked=True)
        assert (progress.state, progress.failures, told([progress])) == ("stopped", 0, 75)
    assert after(65, asked=True).state == "failed"


def test_crashes_are_tried_again_so_often_and_not_more():
    progress, states = Progress(), []
    for _ in range(3):
        progress = after(1, progress=begun(progress), retries=2)
        states.append(progress.state)
    assert states == ["waiting", "waiting", "failed"]
    assert (progress.attempts, progress.failures, progress.seconds) == (3, 3, 30.0)


def test_stops_use_up_no_retries():
    progress = Progress()
    for _ in range(5):
        progress = after(75, progress=begun(progress), retries=0)
    assert (progress.state, progress.attempts, progress.failures) == ("stopped", 5, 0)


def test_clearing_gives_a_failed_trial_all_its_retries_and_its_time_again():
    progress = cleared(after(1, retries=0))
    assert (progress.state, progress.failures, progress.seconds, progress.attempts) == ("waiting", 0, 0.0, 1)


def test_a_lost_attempt_goes_on_later():
    assert begun(lost(RUNNING, "why")).state == "running"
    assert lost(RUNNING, "why").failures == 0


def test_a_result_that_is_found_ends_a_trial():
    assert found_result(lost(RUNNING, "why")) == Progress("done", attempts=1)


def test_names_of_signals_are_told():
    assert after(-11).reason == "killed by SIGSEGV: last line"


def test_of_a_pack_what_another_attempt_may_help_is_told_first():
    done, failed, stopped = Progress("done"), Progress("failed", exit_code=70), Progress("stopped", exit_code=75)
    crashed, full = Progress("waiting", exit_code=1), Progress("stopped", exit_code=74)
    assert told([done, done]) == 0
    assert told([done, failed]) == 70
    assert told([failed, stopped, done]) == 75
    assert told([stopped, crashed, failed]) == 1
    assert told([stopped, full, failed]) == 74
    theirs = Progress("stopped", exit_code=75, reason=f"{ANOTHERS} ended (so)")
    assert goes_on_alone([done, failed, theirs]) and not goes_on_alone([done, failed, stopped])


def test_attempts_that_come_no_further_end_after_so_many_and_any_step_further_begins_the_count_anew():
    progress = Progress()
    for steps in (0, 0, 5, 5, 5):
        progress = lost(begun(progress, steps), "gone")
    assert (progress.steps, progress.idle, progress.attempts) == (5, 2, 5)
    for _ in range(MAX_IDLE - 2):
        progress = lost(begun(progress, 5), "gone")
    end = begun(progress, 5)
    assert (end.state, told([end])) == ("failed", EXIT_TIME_LIMIT)
    assert f"the last {MAX_IDLE + 1} attempts were interrupted without progress (gone)" in end.reason
    assert begun(progress, 6).state == "running"
    assert begun(cleared(end), 5).state == "running"


def test_seconds_of_an_attempt_that_was_killed_count_as_far_as_they_are_known():
    assert lost(Progress("running", 1, seconds=5.0), "killed", 7.5).seconds == 12.5
