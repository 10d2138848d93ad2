import dataclasses
import datetime
import hashlib
import json
from pathlib import Path

import pytest

from envs.registry import env_names
from flexrl.cli.arguments import parse
from flexrl.common.decoding import dump_yaml, load_yaml
from flexrl.common.errors import ConfigError
from flexrl.config.run_config import decode, encode, without_places

EXAMPLES = Path(__file__).parents[3] / "examples"

MINIMAL = {"algorithm": {}, "task": {}, "total_steps": 1000, "num_envs": 64, "profile": "cpu"}


def with_field(path, value):
    *sections, field = path.split(".")
    content = {**MINIMAL, "algorithm": {}, "task": {}}
    place = content
    for section in sections:
        place = place.setdefault(section, {})
    place[field] = value
    return content


NO_NUMBERS = [
    "825506e320971465",
    "1e5",
    "0123456789012389",
    "1_000",
    "+1.5E3",
    ".5",
    "-1",
    "12",
    "2026-11-25",
    "no",
    "",
]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_string_that_could_be_a_number_stays_one(tmp_path, text):
    file = tmp_path / "config.yaml"
    file.write_text(dump_yaml({"name": text, "rate": 1e-5, "number": 12, "keys": [text, 0.25]}))
    assert load_yaml(file) == {"name": text, "rate": 1e-5, "number": 12, "keys": [text, 0.25]}


def test_decoding_what_was_encoded_gives_the_same_config():
    config = decode(with_field("algorithm.policy_layers", [32, 16]), "test")
    assert decode(encode(config), "test") == config
    assert config.algorithm.policy_layers == (32, 16)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("num_envs", 0, "num_envs: 0"),
        ("num_envs", -64, "num_envs: -64"),
        ("algorithm.num_minibatches", 7, "num_minibatches: 7 does not divide num_envs 64"),
        ("num_envs", 64.5, "num_envs: 64.5"),
        ("num_envs", True, "num_envs: True"),
        ("num_envs", "64", "num_envs: '64' must be a whole number"),
        ("total_steps", 1e300, "total_steps: 1e+300 must be a whole number"),
        ("total_steps", "1.2345k", "total_steps: '1.2345k' must be a whole number"),
        ("early_stop.patience", 2.5, "early_stop.patience: 2.5 must be a whole number"),
        ("algorithm.policy_layers", [64, 1.5], "algorithm.policy_layers.1: 1.5 must be a whole number"),
        ("total_steps", -1, "total_steps: -1"),
        ("seed", -1, "seed: -1"),
        ("seed", 2**32, "seed: 4294967296"),
        ("name", "../elsewhere", "name: '../elsewhere'"),
        ("name", "", "name: ''"),
        ("physics", "bullet", "physics: 'bullet'"),
        ("profile", "tpu", "profile: 'tpu'"),
        ("nun_envs", 64, "nun_envs: is not a field; did you mean 'num_envs'?"),
        ("env", "humanoid-wlak", "env: 'humanoid-wlak' is unknown; did you mean 'humanoid-walk'?"),
        ("env", ["humanoid-walk"], "env: ['humanoid-walk'] is unknown"),
        ("algo", "pppo", "algo: 'pppo' is unknown"),
        ("num_evaluations", 0, "num_evaluations: 0"),
        ("evaluation_episodes", 0, "evaluation_episodes: 0"),
        ("checkpoint_interval", 0, "checkpoint_interval: 0"),
        ("keep_checkpoints", 0, "keep_checkpoints: 0"),
        ("algorithm.learning_rate", 0.0, "learning_rate: 0.0"),
        ("algorithm.learning_rate", float("nan"), "learning_rate"),
        ("algorithm.learning_rate", float("inf"), "learning_rate"),
        ("algorithm.learning_rat", 1e-3, "algorithm.learning_rat: is not a field; did you mean 'learning_rate'?"),
        ("early_stop.pacience", 3, "early_stop.pacience: is not a field; did you mean 'patience'?"),
        ("seed", datetime.date(2026, 1, 1), "seed: '2026-01-01'"),
        ("algorithm.discount", 1.5, "discount: 1.5"),
        ("algorithm.gae_lambda", -0.1, "gae_lambda: -0.1"),
        ("algorithm.clip_ratio", -0.2, "clip_ratio: -0.2"),
        ("algorithm.num_minibatches", 0, "num_minibatches: 0"),
        ("algorithm.unroll_length", 0, "unroll_length: 0"),
        ("algorithm.policy_layers", [], "policy_layers"),
        ("algorithm.policy_layers", [64, -1], "policy_layers"),
        ("algorithm.policy_layers", 64, "algorithm.policy_layers: 64"),
        ("algorithm.activation", "gelu", "algorithm.activation: 'gelu'"),
        ("algorithm.max_grad_norm", 0.0, "max_grad_norm: 0.0"),
        ("task.target_speed", -1.0, "target_speed: -1.0"),
        ("task.min_height", 3.0, "min_height: 3.0"),
        ("task.reset_noise", -0.1, "reset_noise: -0.1"),
        ("task.observation", "pixels", "task.observation: 'pixels'"),
        ("task.forward_weight", "much", "task.forward_weight: 'much'"),
        ("task", 3, "task: 3"),
    ],
)
def test_a_bad_field_is_refused_by_name_and_value(path, value, named):
    with pytest.raises(ConfigError) as refused:
        decode(with_field(path, value), "test.yaml")
    assert named in str(refused.value)


@pytest.mark.parametrize("text", ["1e6", "1000000", "1_000_000", "1M", "1000k", "1.0e+6", "0.001e9"])
def test_whole_numbers_of_files_and_flags_have_the_spellings_that_people_use(tmp_path, text):
    file = tmp_path / "config.yaml"
    file.write_text(f"total_steps: {text}\nalgorithm: {{policy_layers: [32, 1e2]}}\nearly_stop: {{patience: 1e1}}\n")
    config = parse(["--config", str(file), "--workspace", "nowhere"]).config
    flags = ["--total-steps", text, "--algorithm.policy-layers", "32", "1e2", "--early-stop.patience", "1e1"]
    assert config == parse([*flags, "--workspace", "nowhere"]).config
    assert (config.total_steps, config.algorithm.policy_layers, config.early_stop.patience) == (10**6, (32, 100), 10)
    assert isinstance(config.total_steps, int)


@pytest.mark.parametrize("text", ["1.5", "1e-1", "many", "True", "1e30", "1Mk", ""])
def test_a_flag_that_is_no_whole_number_is_refused_by_name_and_value(text):
    with pytest.raises(ConfigError, match=f"--total-steps: '{text}' must be a whole number"):
        parse(["--total-steps", text])


def test_a_config_without_a_required_field_names_it():
    with pytest.raises(ConfigError, match="num_envs"):
        decode({k: v for k, v in MINIMAL.items() if k != "num_envs"}, "test.yaml")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("seed: 1\nseed: 2\n", "'seed' stands twice"),
        ("task: {min_height: 1.0, min_height: 1.1}\n", "'min_height' stands twice"),
        ("a: &x 1\nb: *x\n", "aliases"),
        ("seed: !!python/object/apply:os.system ['true']\n", "python/object"),
        ("- 1\n- 2\n", "mapping"),
        ("", "mapping"),
        ("seed: [1\n", "expected"),
    ],
)
def test_a_bad_file_is_refused_with_its_name(tmp_path, text, named):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_yaml(file)
    assert named in str(refused.value)
    assert "bad.yaml" in str(refused.value)


def test_a_sweeps_file_is_called_one_and_not_a_config_with_unknown_fields(tmp_path):
    file = tmp_path / "sweep.yaml"
    file.write_text("name: speeds\nenv: humanoid-walk\ngrid: {seed: [0, 1]}\n")
    refusal = r"sweep.yaml: is a sweep's file \(grid\), of several runs; train them by python -m launch.sweep submit "
    with pytest.raises(ConfigError, match=refusal):
        parse(["--config", str(file)])


def test_yaml_numbers_may_be_written_as_people_write_them(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("algorithm: {learning_rate: 3e-4}\ntotal_steps: 10_000_000\n")
    assert load_yaml(file) == {"algorithm": {"learning_rate": 3e-4}, "total_steps": 10_000_000}


def test_flags_win_over_the_file_in_any_order_and_the_file_over_the_defaults(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("seed: 5\nnum_envs: 128\nalgorithm: {discount: 0.9, clip_ratio: 0.1}\n")
    flags = ["--algorithm.discount", "0.8", "--num-envs=256"]
    before = parse([*flags, "--config", str(file), "--algo", "ppo", "--profile", "cpu", "--name", "x"]).config
    after = parse(["--name", "x", "--profile=cpu", "--algo=ppo", f"--config={file}", *flags]).config
    assert before == after
    assert (before.seed, before.num_envs) == (5, 256)
    assert (before.algorithm.discount, before.algorithm.clip_ratio) == (0.8, 0.1)
    assert before.physics == "native"  # nothing is left implicit


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--nun-envs", "3"], "--nun-envs"),
        (["--dt.context-length", "3"], "--dt.context-length"),
        (["--num-envs", "5x"], "--num-envs"),
        (["--algorithm.num-minibatches", "7"], "num_minibatches: 7"),
        (["--algo", "dqn"], "algo: 'dqn'"),
        (["--env", "cartpole"], "env: 'cartpole'"),
        (["--algorithm.learning-rate", "nan"], "learning_rate"),
        (["--config", "missing.yaml"], "missing.yaml"),
        (["--resume", "--name", "missing"], "missing"),
        (["--resume", "somewhere", "--seed", "3"], "--seed"),
        (["--algo"], "--algo"),
        (["stray"], "stray"),
    ],
)
def test_a_bad_command_line_is_refused_in_one_line(flags, named):
    with pytest.raises(ConfigError) as refused:
        parse(flags)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="profile: 'gpu' was asked for"):
        parse(["--profile", "gpu"])


def test_the_hash_names_what_is_computed_and_not_where():
    config = decode(MINIMAL, "test")
    assert config.hash() == dataclasses.replace(config, name="other", workspace="elsewhere").hash()
    assert config.hash() != dataclasses.replace(config, seed=1).hash()
    assert config.hash() != dataclasses.replace(config, task=dataclasses.replace(config.task, min_height=0.9)).hash()


@pytest.mark.parametrize("algo", ["bc", "dt"])
def test_a_field_that_came_later_counts_for_the_hash_only_where_it_is_set(algo):
    config = decode(MINIMAL | {"algo": algo}, "test")
    content = {k: v for k, v in encode(config).items() if k not in ("name", "workspace", "video", "tracking")}
    assert content["algorithm"].pop("any_environment") is False
    assert config.hash() == hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    assert config.hash() != decode(MINIMAL | {"algo": algo, "algorithm": {"any_environment": True}}, "test").hash()


def test_the_hash_is_of_the_plain_data_so_that_it_outlives_changes_of_code():
    config = decode(MINIMAL, "test")
    content = {k: v for k, v in encode(config).items() if k not in ("name", "workspace", "video", "tracking")}
    later = {
        "teachers": [],
        "familiar_below": 2.5,
        "teacher_loss": "kl",
        "teacher_weight": 1.0,
        "final_teacher_weight": None,
        "initial_scale": None,
        "noise_weight": 0.0,
    }
    assert {name: content["algorithm"].pop(name) for name in later} == later
    assert config.hash() == hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


# Examples of `launch`.
MANY_RUNS = (
    *("humanoid_search.yaml", "humanoid_sweep.yaml", "natural_skills.yaml"),
    *("three_phases.yaml", "whole_body.yaml"),
)


@pytest.mark.parametrize(
    "path", sorted(p for p in EXAMPLES.glob("*.yaml") if p.name not in MANY_RUNS), ids=lambda p: p.name
)
def test_every_example_is_a_run(path):
    config = parse(["--config", str(path), "--workspace", "nowhere"]).config
    assert config.env in env_names()


def test_a_published_config_names_teachers_without_their_folders():
    teachers = ["/home/somebody/runs/walk:12", "jump=/home/somebody/runs/jump", "stand-up=getup"]
    config = decode(MINIMAL | {"algorithm": {"teachers": teachers}}, "test")
    assert without_places(config).algorithm.teachers == ("walk:12", "jump=jump", "stand-up=getup")


def test_a_published_config_names_start_states_without_their_folder():
    task = {"start_states": "/home/somebody/states.npz", "start_states_share": 0.5}
    config = decode(MINIMAL | {"env": "humanoid-skills", "task": task}, "test")
    assert without_places(config).task.start_states == "states.npz"
