"""With the weights of `transformers`' Decision Transformer, ours acts alike and learns alike."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PEERS = ROOT / ".venv-peers" / "bin" / "python"


def python_with_transformers():
    """An interpreter that has PyTorch and `transformers` beside JAX."""
    for python in (sys.executable, PEERS):
        if Path(python).exists():
            done = subprocess.run([python, "-c", "import jax, torch, transformers"], capture_output=True, timeout=300)
            if done.returncode == 0:
                return python
    pytest.skip("make peers installs PyTorch and transformers in an environment of its own")


@pytest.mark.slow
def test_acts_and_learns_as_pytorchs():
    command = [python_with_transformers(), "-m", "tests.algos.dt_oracle"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["actions"] < 1e-5
    assert found["clipped"] > 1.5 and found["moved"] > 5e-4
    assert max(found["weights"], found["loss"], found["grad_norm"]) < 1e-8
