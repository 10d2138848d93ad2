"""A tiny run and its child, trained once for all tests that read a workspace."""

import pytest

from tests.flexrl import runs

CHILD_ITERATIONS = 6


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A workspace with `parent` and `child`; not to be changed."""
    workspace = tmp_path_factory.mktemp("trained")
    runs.finish(runs.start(workspace, "parent"))
    steps = ("--total-steps", str(CHILD_ITERATIONS * 8 * 4))
    runs.finish(runs.start(workspace, "child", *steps, "--parent", "parent", "--seed", "1"))
    return workspace
