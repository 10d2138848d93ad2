"""Tell a humanoid what to do, in words: `python -m flexrl.instruct RUN "walk forward 3 metres, then turn left"`.

Prints the plan that an instruction means, or why it cannot be done; then the policy follows the plan, and what was done
is printed beside what was asked for. With --plan-only, nothing is run and RUN may be left out.
"""

import functools
import json
import sys
from argparse import Namespace
from pathlib import Path

from flexrl.common.errors import ConfigError, exit_codes
from flexrl.language.plan import Plan, Refusal, to_json

EXIT_REFUSED = 1  # an instruction cannot be done
SIZES = (16, 4096)  # pixels
Answers = list[Plan | Refusal]


def main(arguments: list[str]) -> None:
    """Run `flexrl.instruct` with a command line: print the plans of instructions, and let a run's policy follow them.

    With `--plan-only` the policy is not run. Without `--json` exit with `EXIT_REFUSED` if an instruction was refused.
    """
    with exit_codes():
        options = _parse(arguments)
        run, texts = _run_and_texts(options)
        if options.out:
            _require_clip(options, texts)
        from flexrl.common.jax_setup import prepare_jax

        prepare_jax()
        answers = _read(options, texts)
        if run is not None and not options.plan_only:
            answers = _possible(options, run, answers)
        if not options.json:
            for text, answer in zip(texts, answers, strict=True):
                _print_plan(text, answer)
        done = None if run is None or options.plan_only else _follow(options, run, texts, answers)
        if options.json:
            for i, (text, answer) in enumerate(zip(texts, answers, strict=True)):
                row = to_json(text, answer) | ({} if done is None else {"done": done.get(i)})
                print(json.dumps(row, ensure_ascii=False))
        elif any(isinstance(answer, Refusal) for answer in answers):
            raise SystemExit(EXIT_REFUSED)


def _parse(arguments: list[str]) -> Namespace:
    from flexrl.common.parser import Parser
    from flexrl.language.interpreter import FOLDER

    parser = Parser(prog="python -m flexrl.instruct", description=__doc__)
    parser.add_argument(
        "words",
        nargs="*",
        metavar="RUN INSTRUCTION",
        help="a policy of humanoid-skills or of a joystick task; what to do",
    )
    parser.add_argument("--text-file", type=Path, help="file with an instruction a line, each for a world of its own")
    parser.add_argument("--plan-only", action="store_true", help="print the plan, and run nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--out", type=Path, help="clip to draw, .mp4 or .gif, of one instruction")
    parser.add_argument("--width", type=int, default=480, help="width of the clip in pixels")
    parser.add_argument("--height", type=int, default=360, help="height of the clip in pixels")
    parser.add_argument("--step", default="best", help="checkpoint to use: best, latest or an iteration")
    parser.add_argument("--no-recover", action="store_true", help="let a body that falls lie, instead of getting up")
    parser.add_argument("--seed", type=int, default=0, help="random seed of the worlds")
    parser.add_argument("--workspace", default="workspace", help="folder that holds the runs")
    parser.add_argument("--model", type=Path, default=FOLDER, help="folder of the classifier of clauses")
    parser.add_argument("--encoder", type=Path, help="folder of the sentence encoder, instead of the installed package")
    parser.add_argument("--planner", choices=("small", "llm"), default="small", help="what reads instructions")
    parser.add_argument("--llm-url", help="address of a language model's server, for --planner llm")
    parser.add_argument("--llm-model", default="default", help="the model's name at that server")
    return parser.parse_args(arguments)


def _run_and_texts(options: Namespace) -> tuple[str | None, list[str]]:
    """Return the run (None if none is given) and the instructions: the one given, or the lines of `--text-file`.

    Raises:
      ConfigError: if the instruction is missing; if the run is missing, which only `--plan-only` allows; if there are
        too many arguments, or a language model is to read and its address is missing; or if the file cannot be read.
    """
    words, file = list(options.words), options.text_file
    if options.planner == "llm" and not options.llm_url:
        raise ConfigError("llm_url: is missing; give the server's address, as http://127.0.0.1:11434/v1")
    most = 1 if file else 2
    least = 0 if options.plan_only and file else 1 if options.plan_only or file else 2
    if len(words) < least:
        what = "run" if file or words else "instruction"
        raise ConfigError(
            f'{what}: is missing; give RUN and "what to do", as pretrained/humanoid-skills "walk forward"'
        )
    if len(words) > most:
        limit = "with --text-file give only RUN" if file else 'put the instruction in quotes: RUN "what to do"'
        raise ConfigError(f"instruction: {len(words)} arguments where at most {most} are expected; {limit}")
    if file is None:
        *run, text = words
        return (run[0] if run else None), [text]
    try:
        texts = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"text_file: {file} cannot be read ({error})") from None
    return (words[0] if words else None), texts


def _require_clip(options: Namespace, texts: list[str]) -> None:
    from envs.places import require_file
    from envs.view.gl import choose_gl

    if options.plan_only:
        raise ConfigError("out: nothing is run with --plan-only, so there is nothing to draw; leave one of them out")
    if len(texts) != 1:
        raise ConfigError(f"out: draws one instruction, and the file has {len(texts)}; give one in quotes")
    if options.out.suffix not in (".mp4", ".gif"):
        raise ConfigError(f"out: {str(options.out)!r} must end in .mp4 or .gif")
    for name in ("width", "height"):
        if not SIZES[0] <= getattr(options, name) <= SIZES[1]:
            raise ConfigError(f"{name}: {getattr(options, name)} must be between {SIZES[0]} and {SIZES[1]} pixels")
    require_file(options.out)
    choose_gl()


def _read(options: Namespace, texts: list[str]) -> Answers:
    """Return for each instruction its plan, or a refusal that says why the instruction cannot be carried out.

    `options.planner` names what reads the instructions: `small`, a small model in this process, or `llm`, a language
    model on a server. If the language model fails for an instruction, the small model reads that one.
    """
    from flexrl.language.interpreter import Interpreter

    if options.planner == "small":
        return Interpreter.load(options.model, options.encoder).read(texts)
    from flexrl.language.llm import LlmPlanner, PlannerError

    planner = LlmPlanner(options.llm_url, options.llm_model)
    small = functools.cache(lambda: Interpreter.load(options.model, options.encoder))

    def read(text: str) -> Plan | Refusal:
        try:
            return planner(text)
        except PlannerError as error:
            print(f"{error}; the small model reads it", file=sys.stderr)
            return small()(text)

    return [read(text) for text in texts]


def _possible(options: Namespace, run: str, answers: Answers) -> Answers:
    """Return the answers; plans with a skill that the policy was not taught are replaced by refusals."""
    from flexrl.execution.bodies import taught_skills
    from flexrl.execution.worlds import possible
    from flexrl.storage.run_folder import find_run

    taught = taught_skills(find_run(run, options.workspace))
    return [possible(answer, taught) for answer in answers]


def _follow(options: Namespace, run: str, texts: list[str], answers: Answers) -> dict[int, object]:
    """Let the policy follow all plans, each in a world of its own, print what was done, and draw the clip if asked to.

    Returns:
      By the index of the instruction, a dictionary with the keys `carried_out`, `fallen` and `segments`; empty if all
      instructions were refused.
    """
    from dataclasses import asdict

    from flexrl.common.tables import say
    from flexrl.execution.bodies import taught_skills, taught_velocities
    from flexrl.execution.clip import draw_clip
    from flexrl.execution.report import plans_carried_out, segment_reports
    from flexrl.execution.schedule import schedule_of, stacked
    from flexrl.execution.worlds import follow, load_follower

    plans = {i: answer for i, answer in enumerate(answers) if isinstance(answer, Plan)}
    if not plans:
        return {}
    is_lying = all(plan.segments[0].skill == "stand-up" for plan in plans.values())
    playback, follower = load_follower(run, options.workspace, len(plans), step=options.step, is_lying=is_lying)
    say(f"following {len(plans)} plan(s) with iteration {playback.step} of {playback.folder}")
    recovers = not options.no_recover and "stand-up" in taught_skills(playback.folder)
    velocities = taught_velocities(playback.folder)
    schedule = stacked([schedule_of(plan, velocities, recovers=recovers) for plan in plans.values()])
    outcome = follow(playback, follower, schedule, options.seed)
    succeeded = plans_carried_out(outcome)
    done: dict[int, object] = {}
    for world, (i, plan) in enumerate(plans.items()):
        reports = segment_reports(plan, outcome, world)
        done[i] = {
            "carried_out": bool(succeeded[world]),
            "fallen": bool(outcome.fallen[world]),
            "segments": [asdict(report) for report in reports],
        }
        if not options.json:
            _print_done(texts[i], reports, fallen=bool(outcome.fallen[world]), succeeded=bool(succeeded[world]))
    if options.out:
        (i, plan), size = next(iter(plans.items())), (options.width, options.height)
        period = playback.env.spec.control_period
        say("drawing the clip")
        frames = draw_clip(options.out, playback.env.model, period, texts[i], plan, outcome, size)
        print(f"{options.out}: {frames} frames, {len(outcome.qpos) * period:.1f} s", file=sys.stderr)
    return done


def _print_plan(text: str, answer: Plan | Refusal) -> None:
    from flexrl.common.tables import print_table

    if isinstance(answer, Refusal):
        print(f"{text!r} is refused: {answer.reason}", file=sys.stderr)
        return
    rows = []
    for number, segment in enumerate(answer.segments, start=1):
        until = f"{segment.until.amount:g} {segment.until.kind}" if segment.until else "-"
        rows.append((number, segment.skill, segment.speed or "normal", until, f"{segment.confidence:.2f}"))
    print_table(("", "skill", "speed", "until", "confidence"), rows, title=text)


def _print_done(text: str, reports: list, *, fallen: bool, succeeded: bool) -> None:
    from flexrl.common.tables import print_table

    rows = [
        (i, x.skill, x.asked, x.done, x.seconds, x.speed, "yes" if x.succeeded else "no")
        for i, x in enumerate(reports, start=1)
    ]
    verdict = "carried out" if succeeded else "it fell" if fallen else "not carried out"
    columns = ("", "skill", "asked for", "done", "seconds", "m/s", "as asked")
    print_table(columns, rows, title=f"{text}: {verdict}")


if __name__ == "__main__":
    main(sys.argv[1:])
