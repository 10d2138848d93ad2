"""Measure how fast the page of `python -m flexrl.serve` reacts and draws, in headless Chromium with one viewer.

    python -m benchmarks.serving

- Enter: ms from the key until the browser has the first state under the new plan. After the server has begun the new
  plan, that takes one control step and one message.
- images: number of images that the page draws in a second.
- real time: simulated seconds per second of the clock, in the same time.

All three depend on what else the machine does, so the CPU time that an image and a control step cost stands beside
them. WebGL runs on the CPU, as on a machine without a GPU. Needs `make browser` and Debian's `chromium`, and for Mesa
Debian's `libegl1` and `libgl1-mesa-dri`.
"""

import json
import os
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from benchmarks.measure import summary
from benchmarks.report import header, save
from benchmarks.served import Renderer, browser, serving
from flexrl.common.errors import exit_codes
from flexrl.common.tables import print_table

INSTRUCTIONS = (
    *("walk forward", "turn left", "run", "stop", "walk backward slowly", "sidestep to the right", "turn around"),
    *("walk forward three metres, then turn left", "please go straight on for five seconds and then stop"),
    "walk forward three metres, then turn left twice and stop",
)
ASKED = {"Enter, ms": 100.0, "images a second": 30.0, "real time": 1.0}  # at most, at least, at least
TICKS = os.sysconf("SC_CLK_TCK")
WATCH = """() => {
  let number = null;
  window.socket = new WebSocket(`ws://${location.host}/v1/stream?poses=false`);
  socket.onmessage = ({ data }) => {
    const { plan } = JSON.parse(data);
    if (plan.reaction_ms === null) return;
    if (number !== null && plan.number !== number) window.seen = performance.now();
    number = plan.number;
  };
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Enter") [window.pressed, window.seen] = [performance.now(), null];
  }, { capture: true });
}"""
DRAWN_BY = """() => {
  const gl = document.createElement("canvas").getContext("webgl2");
  return gl.getParameter(gl.getExtension("WEBGL_debug_renderer_info").UNMASKED_RENDERER_WEBGL);
}"""
SEEN = "() => window.seen ? window.seen - window.pressed : null"
COUNT = """(seconds) => new Promise((resolve) => {
  let count = 0;
  const begun = performance.now();
  const next = () => {
    const passed = (performance.now() - begun) / 1000;
    if (passed >= seconds) resolve(count / passed);
    else { count++; requestAnimationFrame(next); }
  };
  requestAnimationFrame(next);
})"""


@dataclass(frozen=True)
class ServingConfig:
    """What to measure.

    Attributes:
      repeats: rounds; in each, all instructions are typed once, and images are counted once.
      seconds: seconds for which images are counted in a round.
      renderer: what draws WebGL: Mesa's llvmpipe, or Chromium's own SwiftShader.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    repeats: int = 3
    seconds: float = 4.0
    renderer: Renderer = "mesa"
    out: Path | None = None


def main() -> None:
    """Parse the command line, measure how fast the page reacts and draws, and print and write the numbers."""
    with exit_codes():
        config = tyro.cli(ServingConfig, description=__doc__)
        report = header(config)
        report["results"] = measure(config)
        report["load_average_after"] = os.getloadavg()
        rows = [(x["name"], x["median"], x["min"], x["max"], x.get("asked"), x.get("ratio")) for x in report["results"]]
        print_table(("", "median", "min", "max", "asked for", "median / asked"), rows)
        print(save(report, "serving", config.out))


def measure(config: ServingConfig) -> list[dict[str, Any]]:
    """Measure the page of `flexrl.serve`, and return a row for each quantity, such as images a second.

    A row holds `name`, and `median`, `min` and `max` in the unit that the name says. If `ASKED` names a target for the
    quantity, the row also holds the target as `asked`, and the median over the target as `ratio`.
    """
    with tempfile.TemporaryDirectory() as workspace, serving(Path(workspace)) as (server, address):
        with browser(config.renderer) as chromium:
            page = chromium.new_page(viewport={"width": 1280, "height": 800})
            page.goto(address)
            page.wait_for_selector("#segments li")
            drawn_by = page.evaluate(DRAWN_BY)
            print(f"WebGL by {drawn_by}")
            page.evaluate(WATCH)
            page.wait_for_timeout(3000)  # the page finds out how many pixels it can draw
            found: dict[str, list[float]] = {name: [] for name in ASKED}
            costs: dict[str, list[float]] = {"CPU ms of an image": [], "CPU ms of a control step": []}
            for _ in range(config.repeats):
                found["Enter, ms"] += [_reaction(page, text) for text in INSTRUCTIONS]
                before, used = _simulated(address), (_cpu_seconds(os.getpid(), server.pid), _cpu_seconds(server.pid))
                started = time.monotonic()
                rate = page.evaluate(COUNT, config.seconds)
                passed, simulated = time.monotonic() - started, _simulated(address) - before
                found["images a second"].append(rate)
                found["real time"].append(simulated / passed)
                drawing, stepping = (
                    _cpu_seconds(os.getpid(), server.pid) - used[0],
                    _cpu_seconds(server.pid) - used[1],
                )
                costs["CPU ms of an image"].append(1000 * drawing / (rate * passed))
                costs["CPU ms of a control step"].append(1000 * stepping * 0.015 / simulated)
    rows = [{"name": name, **summary(values), "asked": ASKED[name]} for name, values in found.items()]
    rows = [row | {"ratio": row["median"] / row["asked"]} for row in rows]
    return rows + [{"name": name, **summary(values)} for name, values in costs.items()]


def _reaction(page: Any, text: str) -> float:
    """Type an instruction and press Enter; return the ms until the page has the first state under the new plan."""
    page.fill("#text", text)
    page.press("#text", "Enter")
    while (milliseconds := page.evaluate(SEEN)) is None:
        page.wait_for_timeout(20)
    page.wait_for_timeout(300)
    return milliseconds


def _simulated(address: str) -> float:
    with urllib.request.urlopen(f"{address}v1/state") as answer:
        return json.load(answer)["seconds"]


def _cpu_seconds(root: int, besides: int | None = None) -> float:
    """Return the CPU time (s) of the process `root` and of all processes that it started, directly or indirectly.

    If `besides` is given, that process and all that it started do not count.
    """
    rows = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it ended
            continue
        rows[int(path.parent.name)] = int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS
    members = {root}
    while more := {pid for pid, (parent, _) in rows.items() if parent in members and pid != besides} - members:
        members |= more
    return sum(rows[pid][1] for pid in members if pid in rows)


if __name__ == "__main__":
    main()
