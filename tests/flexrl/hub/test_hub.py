"""Policies on the Hugging Face Hub, by its own client, against a small server on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.flexrl.hub.server import TOKEN, Hub

POLICY = Path(__file__).parents[3] / "pretrained" / "humanoid-skills"
pytest.importorskip("huggingface_hub")


@pytest.fixture
def hub():
    """The server."""
    with Hub() as server:
        yield server
        server.shutdown()


@pytest.fixture
def call(hub, tmp_path):
    """Run the command in an empty folder: exit code, standard output, standard error."""

    def run(*arguments, token=TOKEN):
        env = os.environ | {"HF_ENDPOINT": hub.address, "HF_TOKEN": token, "HF_HOME": str(tmp_path / "home")}
        env |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_OFFLINE": "0"}
        env |= {"PYTHONPATH": str(POLICY.parents[1])}
        command = [sys.executable, "-m", "flexrl.hub", *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    return run


def test_a_policy_comes_back_as_it_was_pushed_with_a_card(hub, call, tmp_path):
    code, out, err = call("push", POLICY, "me/skills", "--private")
    assert code == 0, err
    assert out == f"{hub.address}/me/skills\n" and hub.private == {"me/skills"}
    assert hub.messages == ["Upload the policy of iteration 489"]
    _, head, card = hub.repositories["me/skills"]["README.md"].decode().split("---\n", 2)
    told = yaml.safe_load(head)
    assert told["library_name"] == "flex-rl" and {"humanoid-skills", "ppo"} <= set(told["tags"])
    assert told["model-index"][0]["results"][0]["metrics"][0]["value"] == "3706.5 +/- 220.2"
    assert "| walk-forward | 1.00 | 0.05 | 0.00 |" in card
    assert "python -m flexrl.hub pull me/skills" in card and "trained on one CPU core" in card
    hub.repositories["me/skills"]["setup.py"] = b"raise SystemExit"
    code, out, err = call("pull", "me/skills")
    assert code == 0, err
    pulled = tmp_path / "skills"
    assert {file.name for file in pulled.iterdir()} == {file.name for file in POLICY.iterdir()}
    for name in ("policy.npz", "config.yaml", "export.json", "skills.json"):
        assert (pulled / name).read_bytes() == (POLICY / name).read_bytes()
    code, _, err = call("pull", "me/skills")
    assert code == 65 and "out: skills is there already" in err


def test_a_damaged_policy_leaves_no_folder(hub, call, tmp_path):
    hub.repositories["me/bad"] = {name: (POLICY / name).read_bytes() for name in ("config.yaml", "export.json")}
    code, _, err = call("pull", "me/bad")
    assert code == 65 and "me/bad holds no policy of flex-rl: it lacks policy.npz" in err
    hub.repositories["me/bad"]["policy.npz"] = (POLICY / "policy.npz").read_bytes()[:-1000]
    code, _, err = call("pull", "me/bad")
    assert code == 65 and "fetch it anew" in err and err.count("\n") <= 2
    assert not list(tmp_path.glob("bad*"))


def test_what_the_hub_refuses_is_one_line(hub, call):
    code, _, err = call("pull", "me/nothing")
    assert code == 65 and "me/nothing: the Hub refused with 404" in err and "Traceback" not in err
    code, _, err = call("push", POLICY, "me/skills", token="hf_wrong")
    assert code == 65 and "the Hub refused with 401" in err and "HF_TOKEN" in err
    code, _, err = call("pull", "nobody")
    assert code == 65 and "'nobody' must be USER/NAME" in err


def test_a_hub_that_fails_may_be_asked_again(hub, call):
    hub.failing = 500
    code, _, err = call("pull", "me/skills")
    assert code == 69 and "answered 500; try again later" in err
