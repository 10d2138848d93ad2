"""Tiny real runs, in processes of their own, and what must not differ between them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import orbax.checkpoint as ocp

ITERATIONS = 30
TINY = [
    *("--algo", "ppo", "--num-envs", "8", "--total-steps", str(ITERATIONS * 8 * 4), "--profile", "cpu"),
    *("--algorithm.unroll-length", "4", "--algorithm.num-minibatches", "2", "--algorithm.num-epochs", "2"),
    *("--algorithm.policy-layers", "8", "--algorithm.value-layers", "8"),
    *("--num-evaluations", "3", "--evaluation-episodes", "4", "--checkpoint-interval", "1", "--no-video"),
]


def start(workspace: Path, name: str, *flags: str) -> subprocess.Popen:
    """Start training, `TINY` unless it resumes."""
    arguments = [*flags] if "--resume" in flags else [*TINY, *flags]
    command = [sys.executable, "-m", "flexrl.train", *arguments, "--workspace", str(workspace), "--name", name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


def forced_devices(num: int) -> dict[str, str]:
    """The environment of a process that takes its processor for several devices."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={num}"
    return os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}


def finish(process: subprocess.Popen) -> None:
    """Wait for a run that must end well."""
    out, err = process.communicate()
    assert process.returncode == 0, out + err


def kill(process: subprocess.Popen) -> None:
    """SIGKILL, and wait."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


def outcome(run: Path) -> dict:
    """Everything that a run leaves behind outside of `timing`, arrays as bytes."""
    step, leaves = last_state(run)
    result = json.loads((run / "result.json").read_text())
    return {
        "step": step,
        "leaves": {name: leaf.tobytes() for name, leaf in leaves.items()},
        "metrics": rows(run / "metrics.jsonl"),
        "evaluations": rows(run / "evaluations.jsonl"),
        "best": json.loads((run / "best.json").read_text()),
        "result": {k: v for k, v in result.items() if k not in ("timing", "name")},
    }


def last_state(run: Path) -> tuple[str, dict[str, np.ndarray]]:
    """The iteration of a run's newest checkpoint, and its arrays by name."""
    newest = max((p for p in (run / "checkpoints").iterdir()), key=lambda p: int(p.name))
    manifest = json.loads((newest / "manifest.json").read_text())
    restore_args = {name: ocp.RestoreArgs(restore_type=np.ndarray) for name in manifest["leaves"]}
    leaves = ocp.Checkpointer(ocp.PyTreeCheckpointHandler()).restore(newest / "state", restore_args=restore_args)
    return newest.name, leaves


def rows(path: Path) -> list[dict]:
    """The rows of a metrics file, without `timing`."""
    return [{k: v for k, v in json.loads(line).items() if k != "timing"} for line in path.read_text().splitlines()]


def unfinished_saves(run: Path) -> list[str]:
    """Checkpoints whose save has begun and not ended."""
    folder = run / "checkpoints"
    if not folder.is_dir():
        return []
    return [p.name for p in folder.iterdir() if not (p / "manifest.json").exists()]


def num_rows(run: Path) -> int:
    """Iterations that a run has written."""
    path = run / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0
