"""Measures the speed of offline learning: training a Decision Transformer, acting, collecting, and streaming data.

    python -m benchmarks.offline [--parts learning acting collection streaming]

Training is compared with PyTorch's Decision Transformer, which needs `make peers`. The programs of a part are measured
in turn, in several rounds; a ratio divides two rates of the same round.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Measurement, Subject, interleave, pairwise_ratio, summary, warm_up
from benchmarks.offline_subjects import (
    CollectionSubject,
    LoopSubject,
    ProductSubject,
    RolloutSubject,
    UpdateSubject,
    dt_policy,
    expert,
    flop_of_an_update,
    learner,
    made_up_dataset,
)
from benchmarks.peers.process import start_peer
from benchmarks.report import header, save
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax
from flexrl.storage.provenance import REPOSITORY

PEERS = REPOSITORY / ".venv-peers" / "bin" / "python"
UNITS = {"learning": "updates/s", "acting": "steps/s", "collection": "steps/s", "streaming": "updates/s"}
Part = Literal["learning", "acting", "collection", "streaming"]


@dataclass(frozen=True)
class OfflineConfig:
    """What to measure.

    Attributes:
      parts: `learning` trains from a dataset in memory; `acting` runs a policy in many worlds and in one; `collection`
        compares collecting episodes with a plain rollout; `streaming` trains from a dataset of four times the memory
        limit.
      num_envs: worlds of acting and collection.
      dataset_mb: megabytes of the dataset that is streamed.
      seconds: least duration of one repeat.
      repeats: repeats of each measurement.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    parts: tuple[Part, ...] = ("learning", "acting", "collection", "streaming")
    num_envs: int = 256
    dataset_mb: float = 200.0
    seconds: float = 2.0
    repeats: int = 5
    out: Path | None = None


def main(config: OfflineConfig) -> None:
    """Time each part of offline learning that `config.parts` names; print and write the results after each part."""
    console = Console(highlight=False)
    report = header(config)
    for part in config.parts:
        case = PARTS[part](config)
        console.print(table(part, case))
        report["results"].append({"part": part, **case})
        report["load_average_after"] = os.getloadavg()
        path = save(report, "offline", config.out)
        console.print(f"written: {path}", markup=False, soft_wrap=True)


def learning(config: OfflineConfig) -> dict[str, Any]:
    """Measure how many gradient steps per second a Decision Transformer is trained by, on a random dataset in memory.

    The programs are flex-rl with dropout, flex-rl without dropout, and PyTorch's Decision Transformer, which is left
    out if PyTorch is not installed for the benchmarks. A product of two large matrices is timed in the same rounds; its
    rate of floating-point operations stands for the machine's peak.

    Args:
      config: the settings of the benchmark, of which `seconds` and `repeats` are read.

    Returns:
      A dict, in which every entry has the median, minimum and maximum over the rounds. `rates`: gradient steps per
      second of each program, by its name. `ratios`: the rate of flex-rl with dropout over that of each other program.
      `tokens_per_second`: of flex-rl with dropout and of PyTorch, by name. `share_of_peak`: floating-point operations
      per second of each program over those of the matrix product. `peak_gflop_per_second`: those of the matrix product.
    """
    with dataset_of(1.0) as folder, torch_peer() as peers:
        ours = learner("dt", folder)
        product = warm_up(ProductSubject(), config.seconds)
        measured = [warm_up(x, config.seconds) for x in (UpdateSubject("flex-rl", ours), *peers)]
        without = warm_up(UpdateSubject("flex-rl, no dropout", learner("dt", folder, "--algorithm.dropout", "0")), 0.1)
        interleave([product, *measured, without], config.repeats)
    flop = flop_of_an_update(ours.config)
    tokens = ours.config.algorithm.batch_size * ours.config.algorithm.context_length * 3
    case = result([*measured, without], measured[0])
    case["peak_gflop_per_second"] = summary([rate / 1e9 for rate in product.rates])
    case["tokens_per_second"] = {m.subject.name: summary([tokens * rate for rate in m.rates]) for m in measured}
    case["share_of_peak"] = {
        m.subject.name: summary([flop * rate / peak for rate, peak in zip(m.rates, product.rates, strict=True)])
        for m in [*measured, without]
    }
    return case


def acting(config: OfflineConfig) -> dict[str, Any]:
    """Measure a Decision Transformer's control steps per second, in many worlds and in one world.

    It processes its whole context at every step.

    Returns:
      `rates` of both, and `ratios` of the rate in many worlds to that in one.
    """
    env, policy = dt_policy(config.num_envs)
    many = RolloutSubject(f"{config.num_envs} worlds", env, policy, config.num_envs, 4)
    measured = [warm_up(subject, config.seconds) for subject in (many, LoopSubject("one world, in a loop", policy))]
    interleave(measured, config.repeats)
    return result(measured, measured[0])


def collection(config: OfflineConfig) -> dict[str, Any]:
    """Measure the control steps per second of collecting whole episodes, and of a rollout by the same policy.

    Returns:
      `rates` of both, and `ratios` of the rate of collecting to that of the rollout.
    """
    env, policy = expert(config.num_envs)
    subjects = (
        CollectionSubject("collection", env, policy, config.num_envs),
        RolloutSubject("rollout", env, policy, config.num_envs, 32),
    )
    measured = [warm_up(subject, config.seconds) for subject in subjects]
    interleave(measured, config.repeats)
    return result(measured, measured[0])


def streaming(config: OfflineConfig) -> dict[str, Any]:
    """Measure updates per second from files and from memory, for behavior cloning and the Decision Transformer.

    Returns:
      `rates` in gradient steps per second, and for each algorithm in `ratios` that from files over that from memory.
    """
    measured: dict[str, Measurement] = {}
    with dataset_of(config.dataset_mb) as folder:
        limit = ("--algorithm.memory-limit-mb", str(config.dataset_mb / 4))
        for algo in ("bc", "dt"):
            for name, flags in (("streamed", limit), ("resident", ())):
                subject = UpdateSubject(f"{algo}, {name}", learner(algo, folder, *flags))
                measured[subject.name] = warm_up(subject, config.seconds)
        interleave(list(measured.values()), config.repeats)
    cases = [result([measured[f"{a}, streamed"], measured[f"{a}, resident"]]) for a in ("bc", "dt")]
    return {key: cases[0][key] | cases[1][key] for key in cases[0]}


PARTS = {"learning": learning, "acting": acting, "collection": collection, "streaming": streaming}


def result(measured: Sequence[Measurement], ours: Measurement | None = None) -> dict[str, Any]:
    """Return measured rates and their ratios as JSON-ready data.

    Args:
      measured: measurements of the programs.
      ours: measurement whose rate is divided by the rate of every other program; by default the first of `measured`.

    Returns:
      `rates` of each program by name; and `ratios`, of rates in the same round, by names such as `OURS / OTHER`.
    """
    ours = ours or measured[0]
    others = [m for m in measured if m is not ours]
    return {
        "rates": {m.subject.name: {**summary(m.rates), "rates": m.rates} for m in measured},
        "ratios": {f"{ours.subject.name} / {m.subject.name}": pairwise_ratio(ours, m) for m in others},
    }


def table(part: str, case: dict[str, Any]) -> Table:
    """Return a table of a part's rates, ratios, and shares of the rate of a plain matrix product."""
    rows = Table(title=part, box=box.SIMPLE)
    rows.add_column(UNITS[part])
    for name in ("median", "min", "max"):
        rows.add_column(name, justify="right")
    shares = {f"{name}, share of peak": x for name, x in case.get("share_of_peak", {}).items()}
    for name, numbers in {**case["rates"], **case["ratios"], **shares}.items():
        rows.add_row(name, *(f"{numbers[key]:,.4g}" for key in ("median", "min", "max")))
    return rows


@contextlib.contextmanager
def dataset_of(megabytes: float) -> Iterator[Path]:
    """Provide the folder of a random dataset of so many megabytes, which is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield made_up_dataset(Path(folder) / "data", megabytes)


@contextlib.contextmanager
def torch_peer() -> Iterator[list[Subject]]:
    """Provide PyTorch's Decision Transformer, to be timed, alone in a list; an empty list if it is not installed."""
    if not PEERS.exists():
        yield []
        return
    with start_peer("PyTorch", "benchmarks.peers.torch_dt", (45, 17, 64, 20), PEERS) as peer:
        yield [peer]


if __name__ == "__main__":
    prepare_jax()
    with exit_codes():
        main(tyro.cli(OfflineConfig, description=__doc__))
