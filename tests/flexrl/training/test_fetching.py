"""Training fetches the metrics of each iteration once, asynchronously, while the next iteration runs."""

import itertools

import jax
import jax.numpy as jnp
import pytest

from flexrl.engine.engine import Engine
from flexrl.train import main
from tests.flexrl.runs import TINY

ITERATIONS = 6
FEW = ["--total-steps", str(ITERATIONS * 8 * 4), "--num-evaluations", "1", "--checkpoint-interval", "1000000"]


@pytest.fixture
def events(monkeypatch):
    """The order in which iterations are queued and arrays fetched; all of it still happens."""
    seen, fetching = [], []
    arrays = type(jnp.zeros(()))
    step, get, copy, value = Engine.step, jax.device_get, arrays.copy_to_host_async, arrays._value

    def noted_step(self, run):
        seen.append("step")
        return step(self, run)

    def noted_get(tree):
        seen.append("fetch")
        fetching.append(True)
        found = get(tree)
        fetching.pop()
        return found

    def noted_copy(self):
        if not fetching:
            seen.append("copy")
        return copy(self)

    def noted_value(self):
        if not fetching:
            seen.append("wait")
        return value.fget(self)

    monkeypatch.setattr(Engine, "step", noted_step)
    monkeypatch.setattr(jax, "device_get", noted_get)
    monkeypatch.setattr(arrays, "copy_to_host_async", noted_copy)
    monkeypatch.setattr(arrays, "_value", property(noted_value))
    return seen


def test_metrics_are_fetched_once_an_iteration_while_the_next_one_runs(tmp_path, events):
    main([*TINY, *FEW, "--workspace", str(tmp_path), "--name", "run"])
    first = events.index("step")
    last = len(events) - events[::-1].index("step")
    training = [kind for kind, _ in itertools.groupby(events[first:last])]
    assert training == ["step", "copy"] + ["step", "fetch", "copy"] * (ITERATIONS - 2) + ["step"]
