"""Free wording by many kinds of writers is read by the rules alone at least as well as when it was written down."""

from pathlib import Path

import pytest

from flexrl.language.head import Reading
from flexrl.language.interpreter import Interpreter
from flexrl.language.scoring import read_meant, score

DEVELOPMENT = Path(__file__).parents[3] / "benchmarks" / "language" / "development"


def nothing_known(texts, embeddings, possible):
    """Understand no clause, so that only the rules and the vocabulary read."""
    return [Reading("unsupported", None, 1.0, False) for _ in texts]


@pytest.mark.parametrize(("name", "exact", "falsely_accepted"), [("free", 0.955, 0.0), ("fresh", 0.85, 0.05)])
def test_rules_read_free_wording(name, exact, falsely_accepted):
    rows = read_meant(DEVELOPMENT / f"{name}.jsonl")
    shares, _ = score(Interpreter(lambda texts: None, nothing_known), rows)
    assert shares["exact"] >= exact
    assert shares["falsely_accepted"] <= falsely_accepted
