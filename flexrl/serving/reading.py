"""Compile in advance what reads instructions, so that no instruction waits for JAX to compile."""

from flexrl.language.interpreter import Interpreter

CLAUSES = ("walk forward", "turn left", "run", "walk backward", "stand", "step to the right", "turn right", "walk slow")
LONG = "walk forward very slowly and carefully just like somebody who has a lot of time and looks at all the flowers"


def warmed(interpreter: Interpreter) -> Interpreter:
    """Return the interpreter after it has read examples, short and long, so that its programs are compiled."""
    for number in (1, 2, 3, 5):
        interpreter(", then ".join(CLAUSES[:number]))
        interpreter(", then ".join(f"{clause} {LONG}"[:120] for clause in CLAUSES[:number]))
    return interpreter
