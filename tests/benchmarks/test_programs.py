"""What is measured are whole programs of `flexrl.train`: several seeds in one, and traced."""

import jax
import pytest
from jax.profiler import ProfileData

from benchmarks import trace, tune
from benchmarks.measure import warm_up
from benchmarks.subjects import RunSubject, default_config

SMALL = [
    *("--algorithm.unroll-length", "2", "--algorithm.num-minibatches", "2", "--algorithm.num-epochs", "1"),
    *("--algorithm.policy-layers", "8", "--algorithm.value-layers", "8", "--profile", "cpu"),
]


def subject(*flags):
    return RunSubject("training", default_config("native", 8, *SMALL, *flags))


@pytest.mark.slow
def test_several_seeds_are_so_many_steps_a_call_and_leave_no_contacts_out():
    with jax.debug_key_reuse(False):  # it takes the keys that vmap moves along for used ones
        several = subject("--num-seeds", "3")
        assert several.num_steps == 3 * 8 * 2
        measured = warm_up(several, 0.01)
        measured.repeat()
    assert measured.rates[0] > 0 and several.compile_seconds > 0
    assert several.metric("episode/overflowed") == 0


@pytest.mark.slow
def test_a_trace_tells_which_operations_took_how_long(tmp_path):
    one = subject()
    one.run(2)
    with jax.profiler.trace(str(tmp_path)):
        seconds = one.run(2)
    lines = trace.device_lines(ProfileData.from_file(str(next(tmp_path.rglob("*.xplane.pb")))))
    assert lines
    operations = trace.largest(next(iter(lines.values())), seconds)
    assert 0 < len(operations) <= trace.NUM_OPERATIONS
    assert list(operations.values()) == sorted(operations.values(), reverse=True)


def test_copies_of_an_operation_are_one_kind():
    assert trace.kind("loop_add_fusion_12") == trace.kind("loop_add_fusion.3") == "loop_add_fusion"
    assert trace.kind("_solve_done__locals__kernel_97304d50") == "_solve_done__locals__kernel"


def test_tuning_begins_and_ends_with_the_defaults():
    assert list(tune.TuneConfig(only=("dtype",)).variants()) == [(), ("--algorithm.dtype", "bfloat16"), ()]


@pytest.mark.slow
def test_a_variant_is_trained_with_its_flags():
    config = tune.TuneConfig(num_envs=8, physics="native", seconds=0.01, repeats=1)
    found = tune.measure(config, tuple(SMALL))
    assert found["rate"]["median"] > 0 and found["overflowed"] == 0
