"""Read instructions in words: `python -m flexrl.instruct "walk forward 3 metres, then turn left" --plan-only`.

Prints the plan that an instruction means, or why it cannot be done.
"""

import json
import sys
from argparse import Namespace
from pathlib import Path

from flexrl.common.errors import ConfigError, exit_codes

EXIT_REFUSED = 1  # an instruction cannot be done


def main(arguments: list[str]) -> None:
    """Parse, read and print."""
    with exit_codes():
        options = _parse(arguments)
        texts = _texts(options)
        from flexrl.common.jax_setup import prepare_jax

        prepare_jax()
        from flexrl.language.interpreter import Interpreter
        from flexrl.language.plan import Refusal, to_json

        answers = Interpreter.load(options.model, options.encoder).read(texts)
        for text, answer in zip(texts, answers, strict=True):
            if options.json:
                print(json.dumps(to_json(text, answer), ensure_ascii=False))
            else:
                _print(text, answer)
        if not options.json and any(isinstance(answer, Refusal) for answer in answers):
            raise SystemExit(EXIT_REFUSED)


def _parse(arguments: list[str]) -> Namespace:
    from flexrl.common.parser import Parser
    from flexrl.language.interpreter import FOLDER

    parser = Parser(prog="python -m flexrl.instruct", description=__doc__)
    parser.add_argument("instruction", nargs="*", help="what to do, in words")
    parser.add_argument("--text-file", type=Path, help="file with an instruction a line, instead of words")
    parser.add_argument("--plan-only", action="store_true", help="print the plan, and run nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--model", type=Path, default=FOLDER, help="folder of the classifier of clauses")
    parser.add_argument("--encoder", type=Path, help="folder of the sentence encoder, instead of the installed package")
    return parser.parse_args(arguments)


def _texts(options: Namespace) -> list[str]:
    """Return the instructions that were given.

    Raises:
      ConfigError: if there is none, or the file cannot be read.
    """
    if not options.plan_only:
        raise ConfigError("plan_only: plans are read, and not carried out yet; add --plan-only")
    if options.text_file is None:
        if not options.instruction:
            raise ConfigError("instruction: is missing; give it in quotes, or a file by --text-file")
        return [" ".join(options.instruction)]
    if options.instruction:
        raise ConfigError("text_file: excludes an instruction on the command line; leave one of them out")
    try:
        return options.text_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"text_file: {options.text_file} cannot be read ({error})") from None


def _print(text: str, answer: object) -> None:
    from flexrl.common.tables import print_table
    from flexrl.language.plan import Plan, Refusal

    if isinstance(answer, Refusal):
        print(f"{text!r} is refused: {answer.reason}", file=sys.stderr)
    elif isinstance(answer, Plan):
        rows = []
        for number, segment in enumerate(answer.segments, start=1):
            until = f"{segment.until.amount:g} {segment.until.kind}" if segment.until else "-"
            rows.append((number, segment.skill, segment.speed or "normal", until, f"{segment.confidence:.2f}"))
        print_table(("", "skill", "speed", "until", "confidence"), rows)


if __name__ == "__main__":
    main(sys.argv[1:])
