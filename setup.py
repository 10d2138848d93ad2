"""Build flex-rl with the version that the git tags say; everything else is in pyproject.toml."""

import re
import subprocess
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent
UNTAGGED = "0.1.0"  # of a tree without tags, such as the source of an image


def version() -> str:
    """Return the version: of an sdist its own, of a clone that of the newest tag `vX.Y.Z`, or `UNTAGGED`.

    Commits after the tag count as a development version of the next release: two after `v0.1.0` give
    `0.1.1.dev2+gCOMMIT`.
    """
    if (ROOT / "PKG-INFO").exists():
        return re.findall(r"^Version: (.+)$", (ROOT / "PKG-INFO").read_text(encoding="utf-8"), re.M)[0]
    if not (ROOT / ".git").exists():
        return UNTAGGED
    command = ["git", "-C", str(ROOT), "describe", "--tags", "--long", "--match", "v[0-9]*.[0-9]*.[0-9]*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return UNTAGGED
    found = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)-(\d+)-(g\w+)", done.stdout.strip())
    if found is None:
        return UNTAGGED
    major, minor, patch, commits = map(int, found.groups()[:4])
    return f"{major}.{minor}.{patch + 1}.dev{commits}+{found[5]}" if commits else f"{major}.{minor}.{patch}"


setup(version=version())
