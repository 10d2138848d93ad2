"""How a run's folder is found by its name."""

import pytest

from flexrl.common.errors import ConfigError
from flexrl.storage.run_folder import HOME, find_run

PRETRAINED = "pretrained/humanoid-skills"


def test_a_pretrained_policy_is_found_from_any_folder_unless_there_is_one_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_run(PRETRAINED) == HOME / PRETRAINED
    (tmp_path / PRETRAINED).mkdir(parents=True)
    (tmp_path / PRETRAINED / "config.yaml").touch()
    assert find_run(PRETRAINED).resolve() == tmp_path / PRETRAINED


@pytest.mark.parametrize("name", ["pretrained/nothing", "examples", "humanoid-skills"])
def test_nothing_else_is_looked_for_in_the_package(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="is neither a run's folder nor the name of a run"):
        find_run(name)
