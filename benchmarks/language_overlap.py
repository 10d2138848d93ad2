"""Count how much of test set S3, instructions in free wording, stands in the classifier's training corpus.

    python -m benchmarks.language_overlap

For 2 to 5 words in a row: how many of the n-grams of S3's instructions also stand in generated training clauses and
instructions, and how many instructions are there whole. No instruction is printed.
"""

import argparse
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from flexrl.common.errors import exit_codes
from flexrl.language.corpus.clauses import clause_examples
from flexrl.language.corpus.instructions import instructions
from flexrl.language.scoring import read_meant


def main() -> None:
    """Print how many n-grams of 2 to 5 words, and how many whole instructions, of the test set are in the corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=Path("benchmarks/language/s3.jsonl"), help="test set, JSONL")
    parser.add_argument("--clauses", type=int, default=20_000, help="training clauses to draw")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tested = [words_of(row.text) for row in read_meant(options.file)]
    learnt = [words_of(example.text) for example in clause_examples("train", options.clauses, options.seed)]
    learnt += [words_of(made.text) for made in instructions("train", options.clauses // 10, options.seed)]
    for size in (2, 3, 4, 5):
        seen, mine = set(grams(learnt, size)), set(grams(tested, size))
        print(f"{size} words: {len(mine & seen)} of {len(mine)} n-grams are in the corpus")
    whole = {tuple(words) for words in learnt}
    print(f"whole instructions: {sum(tuple(words) in whole for words in tested)} of {len(tested)}")


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, numbers included."""
    return re.findall(r"[a-z']+|\d+", text.lower())


def grams(texts: Iterable[list[str]], size: int) -> Iterator[tuple[str, ...]]:
    """Yield each n-gram of `size` successive words in each text; a text is the list of its words."""
    for words in texts:
        yield from (tuple(words[i : i + size]) for i in range(len(words) - size + 1))


if __name__ == "__main__":
    with exit_codes():
        main()
