"""Train the classifier of clauses, minutes on two cores: `python -m flexrl.language.train --out DIR`.

Two classifiers are trained. The first learns without some words and word orders of the corpus, which are held out: its
scores say how well unseen wording is read. The second learns from the held-out ones, too, and is the one that is
written. The confidence and the distance at which a clause counts as understood are chosen on validation clauses.
"""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flexrl.common.errors import exit_codes

PLAIN = {  # the shortest words for each skill, which are much likelier than any other clause of the corpus
    "stand": ["stop", "halt", "freeze", "wait", "stand", "stand still", "hold still", "stay", "pause", "don't move"],
    "walk-forward": [
        "walk",
        "go",
        "move",
        "walk forward",
        "go forward",
        "forward",
        "ahead",
        "walk ahead",
        "go straight",
    ],
    "walk-backward": ["walk backward", "walk back", "go back", "back up", "reverse", "backwards", "step back", "back"],
    "strafe-left": ["step left", "sidestep left", "go left", "move left", "step to the left", "strafe left"],
    "strafe-right": ["step right", "sidestep right", "go right", "move right", "step to the right", "strafe right"],
    "turn-left": ["turn left", "turn", "rotate left", "turn around", "spin", "turn to the left", "left turn"],
    "turn-right": ["turn right", "rotate right", "turn to the right", "rotate clockwise", "right turn"],
    "run": ["run", "run forward", "start running", "run ahead", "run straight"],
    "jump": ["jump", "hop", "leap", "jump up", "do a jump"],
    "stand-up": ["stand up", "get up", "rise", "get to your feet", "on your feet"],
}
PACED = {  # verbs that say how fast, as skill and speed
    ("run", "fast"): ["sprint", "dash", "run as fast as you can", "run fast", "sprint ahead"],
    ("run", "slow"): ["jog", "go jogging", "jog along", "run slowly"],
    ("walk-forward", "slow"): ["stroll", "creep", "amble", "saunter", "tiptoe", "wander", "walk slowly"],
    ("walk-forward", "fast"): ["hurry", "power-walk", "stride briskly", "walk fast", "hurry up ahead"],
    ("walk-forward", None): [
        "march",
        "stride",
        "proceed",
        "advance",
        "carry on",
        "keep going",
        "come forward",
    ],
}
PLAIN_COPIES = 20  # times that each of them stands among the clauses
NEAR_ENOUGH, SURE_ENOUGH = 0.9995, 0.997  # shares of supported clauses of the validation set that thresholds let pass


@dataclass(frozen=True)
class TrainArguments:
    """Train the classifier of clauses.

    Attributes:
      out: folder to write `head.npz` and `scores.json` to.
      encoder: folder of the sentence encoder; null for the installed package.
      num_clauses: clauses of the corpus to learn from.
      num_updates: gradient steps.
      seed: seed of corpus and training.
      tests: folder of test sets, each a JSONL file of instructions with their plans.
    """

    out: Path
    encoder: Path | None = None
    num_clauses: int = 20_000
    num_updates: int = 3000
    seed: int = 0
    tests: Path = Path("benchmarks/language")

    def __post_init__(self) -> None:
        """Raise ValueError if a number is outside its range."""
        if self.num_clauses < 1000:
            raise ValueError(f"num_clauses: {self.num_clauses} must be at least 1000")
        if self.num_updates < 1:
            raise ValueError(f"num_updates: {self.num_updates} must be at least 1")


def main(arguments: list[str]) -> None:
    """Train the classifier of clauses as command-line flags say (the fields of `TrainArguments`)."""
    with exit_codes():
        from flexrl.common.jax_setup import prepare_jax

        prepare_jax()
        from flexrl.common.flags import read_flags

        program = "python -m flexrl.language.train"
        train(read_flags(TrainArguments, arguments, program, "Train the classifier of clauses.", None))


def train(options: TrainArguments) -> None:
    """Train the classifier of clauses, score it on test sets, and print the scores.

    Writes the classifier to `head.npz` and its scores to `scores.json`, in the folder `options.out`.

    Raises:
      ConfigError: if the encoder is missing.
    """
    from flexrl.common.files import write_json
    from flexrl.language.corpus.clauses import clause_examples
    from flexrl.language.corpus.instructions import instructions
    from flexrl.language.corpus.lexicon import HELD_OUT
    from flexrl.language.corpus.types import Example
    from flexrl.language.encoder import Encoder
    from flexrl.language.head import Head, fit, labelled, prototypes_of, thresholds
    from flexrl.language.interpreter import FILE, Interpreter
    from flexrl.language.scoring import Meant, read_meant, score

    started = time.monotonic()
    encoder = Encoder(options.encoder)
    tenth = options.num_clauses // 10
    known = clause_examples("train", options.num_clauses, options.seed)
    validation, known = known[:tenth], known[tenth:]
    unseen = [x for split in ("S0", "S1", "S2") for x in clause_examples(split, tenth // 3, options.seed + 1)]
    print(f"{len(known) + len(unseen):,} clauses drawn after {time.monotonic() - started:.0f} s", flush=True)
    plain = [Example(text, skill, None, "plain") for skill, texts in PLAIN.items() for text in texts]
    plain += [Example(text, skill, speed, "plain") for (skill, speed), texts in PACED.items() for text in texts]
    texts = [x.text for x in (*known, *validation, *unseen, *plain)]
    embedding = dict(zip(texts, encoder(texts), strict=True))
    print(f"embedded after {time.monotonic() - started:.0f} s", flush=True)

    def trained(examples: list[Example]) -> Head:
        data = labelled([(x.text, x.skill, x.speed) for x in examples])
        rows = np.stack([embedding[x.text] for x in examples])
        params = fit(data, rows, seed=options.seed, num_updates=options.num_updates)
        supported = np.stack([embedding[x.text] for x in examples if x.skill != "unsupported"])
        head = Head(params, prototypes_of(supported, seed=options.seed), 0.0, 2.0, {})
        held = labelled([(x.text, x.skill, x.speed) for x in validation])
        limits = thresholds(head, held, np.stack([embedding[x] for x in held.texts]), SURE_ENOUGH, NEAR_ENOUGH)
        record = {"clauses": len(examples), "seed": options.seed, "updates": options.num_updates}
        return Head(params, head.prototypes, *limits, record)

    sets = {name: instructions(name, 500, options.seed + 2) for name in ("S0", "S1", "S2", "S4")}
    scores = {"held_out": {}, "shipped": {}}
    first = Interpreter(encoder, trained([*known, *plain * PLAIN_COPIES]), HELD_OUT)
    for name, rows in sets.items():
        scores["held_out"][name], _ = score(first, [Meant(x.text, x.answer) for x in rows])
    head = trained([*known, *unseen, *plain * PLAIN_COPIES])
    interpreter = Interpreter(encoder, head)
    for file in sorted(options.tests.rglob("*.jsonl")):
        scores["shipped"][file.stem], _ = score(interpreter, read_meant(file))  # single errors are not to be seen
    options.out.mkdir(parents=True, exist_ok=True)
    head.save(options.out / FILE)
    write_json(options.out / "scores.json", scores | {"record": head.record})
    print(json.dumps(scores, indent=1))
    print(f"{options.out / FILE}: written after {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
