"""Exact statistics of a dataset: every number is computed from all rows, none is an average of averages."""

import numpy as np

from algos.common.dataset import Dataset
from flexrl.common.tables import print_table
from flexrl.common.types import JsonObject
from flexrl.data.flat_dataset import returns_of

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def statistics(data: Dataset) -> JsonObject:
    """Return statistics of episodes, rewards and each dimension of observation, goal and action, as plain data."""
    lengths = np.diff(np.asarray(data.start))
    num_falls = int(np.sum(data.terminated))
    return {
        "num_episodes": len(lengths),
        "num_steps": int(data.start[-1]),
        "return": _summary(returns_of(data)),
        "length": _summary(lengths),
        "terminated": {
            "num_episodes": num_falls,
            "fraction": num_falls / len(lengths),
            "per_1000_steps": 1000 * num_falls / int(data.start[-1]),
        },
        "reward": _summary(np.asarray(data.reward)),
        **{name: _summary(np.asarray(getattr(data, name))) for name in ("obs", "goal", "action")},
    }


def _summary(rows: np.ndarray) -> JsonObject:
    """Return mean, standard deviation, minimum, maximum and seven quantiles (1 % to 99 %) of rows.

    The rows have the shape (N, ...), and each result has the shape (...).
    """
    exact = rows.astype(np.float64)
    quantiles = np.quantile(exact, QUANTILES, axis=0)
    return {
        "mean": exact.mean(axis=0).tolist(),
        "std": exact.std(axis=0).tolist(),
        "min": exact.min(axis=0).tolist(),
        "max": exact.max(axis=0).tolist(),
        "quantiles": {str(q): x.tolist() for q, x in zip(QUANTILES, quantiles, strict=True)},
    }


def statistics_table(found: JsonObject) -> tuple[list[str], list[list[object]]]:
    """Return header and rows of a table of a dataset's statistics, which are the result of `statistics`.

    Return, length and reward have one row each; observation, goal and action have one for each dimension.
    """
    names = list(found["return"]["quantiles"])
    rows = []
    for name in ("return", "length", "reward", "obs", "goal", "action"):
        numbers = [found[name][x] for x in ("mean", "std", "min")]
        numbers += [*found[name]["quantiles"].values(), found[name]["max"]]
        if isinstance(numbers[0], list):
            rows += [[f"{name} {i}", *row] for i, row in enumerate(zip(*numbers, strict=True))]
        else:
            rows.append([name, *numbers])
    return ["", "mean", "std", "min", *names, "max"], rows


def print_statistics(found: JsonObject) -> None:
    """Print a dataset's statistics, which are the result of `statistics`: numbers of episodes and steps, and a table.

    The table has a row for return, length and reward each, and one for each dimension of observation, goal and action.
    """
    falls = found["terminated"]
    print(
        f"{found['num_episodes']:,} episodes, {found['num_steps']:,} steps; {falls['num_episodes']:,} episodes "
        f"terminated ({falls['fraction']:.1%}, {falls['per_1000_steps']:.3g} in 1,000 steps)"
    )
    print_table(*statistics_table(found))
