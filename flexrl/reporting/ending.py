"""Say at the end of a training what was reached, how long it took, where things are, and what to type next."""

from pathlib import Path

from flexrl.common.tables import clock, command_line
from flexrl.common.types import JsonObject


def final_line(name: str, final: JsonObject, evaluation: JsonObject) -> str:
    """Return one line about a run's final evaluation, and the return by which its policy was chosen.

    Args:
      name: name of the run.
      final: statistics of the final evaluation, as in `result.json`.
      evaluation: the entry `evaluation` of `result.json`: which iteration was chosen, and its return at that time.
    """
    return (
        f"{name}: final evaluation of iteration {evaluation['step']} ({evaluation['policy']}): return "
        f"{final['return_mean']:,.1f} ± {final['return_interval']:,.1f} in {final['num_episodes']} fresh episodes; "
        f"{evaluation['return_when_chosen']:,.1f} in those that it was chosen by"
    )


def summary(folder: Path, result: JsonObject) -> str:
    """Return lines about a finished run: its return, its time, its folder, and commands for a report and a video.

    Args:
      folder: folder of the run.
      result: content of its `result.json`.
    """
    evaluation, timing = result["evaluation"], result["timing"]
    there = [name for name in ("result.json", "checkpoints", "videos/final.mp4") if (folder / name).exists()]
    rows = {
        "return": f"{result['return_mean']:,.1f} ± {result['return_interval']:,.1f} in {result['num_episodes']} fresh "
        f"episodes, by the policy of iteration {evaluation['step']} (95 % interval of the mean)",
        "time": f"{clock(timing['seconds'])} of training, {timing['steps_per_second']:,.0f} steps/s",
        "folder": f"{folder} ({', '.join(there)})",
        "next": command_line("flexrl.html_report", str(folder)),
        "": command_line("flexrl.render", str(folder)),
    }
    return "\n".join([f"done: {folder.name}", *(f"  {name:8}{text}" for name, text in rows.items())])


def summary_of_several(folders: list[Path]) -> str:
    """Return lines about several finished runs: how many there are, where, and the command that compares them."""
    compare = command_line("flexrl.runs", "compare", *map(str, folders))
    return "\n".join([f"done: {len(folders)} runs in {folders[0].parent}", f"  {'next':8}{compare}"])
