"""Writes docs/gke/dev.txt and prod.txt, what each example would make: `python -m tests.terraform.plans`."""

import tempfile
from pathlib import Path

from tests.terraform.offline_provider import serving
from tests.terraform.runner import EXAMPLES, ROOT, Terraform, has_real_provider

DOCS = ROOT / "docs" / "gke"
UNKNOWN = "(known after apply)"
HEAD = """\
What terraform/examples/{example}/terraform.tfvars makes, as planned with a mocked provider, project my-project.
Values that only Google can tell are left out.

"""


def rendered(terraform, example):
    """The text of an example's plan.

    Raises:
      AssertionError: with all that Terraform printed, if there is no plan.
    """
    code, printed = terraform.plan(terraform.values_of(example))
    assert code == 0, printed
    lines = printed.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("  # "))
    last = next(i for i, line in enumerate(lines) if line.endswith("... tearing down"))
    kept = [line.rstrip() for line in lines[first:last] if UNKNOWN not in line]
    kept = [line for i, line in enumerate(kept) if line or (i and kept[i - 1])]  # no two empty lines
    return HEAD.format(example=example) + "\n".join(kept).rstrip() + "\n"


def main():
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as plugins:
        terraform = Terraform(Path(folder) / "terraform", {} if has_real_provider() else plugins)
        DOCS.mkdir(exist_ok=True)
        for example in EXAMPLES:
            (DOCS / f"{example}.txt").write_text(rendered(terraform, example))


if __name__ == "__main__":
    main()
