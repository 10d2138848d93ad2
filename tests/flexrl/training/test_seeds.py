"""Several runs in one program, of other seeds or other numbers, are what each would be alone."""

import json
import shutil
import signal
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from algos.common.rollout import RolloutSource
from algos.ppo.config import PPOConfig
from algos.ppo.learner import PPO
from envs.worlds.vector import VecEnv
from flexrl.cli.arguments import parse
from flexrl.common.errors import ConfigError
from flexrl.engine.engine import Engine
from flexrl.storage.lineage import parent_folder
from flexrl.storage.run_folder import read_config
from flexrl.storage.run_view import read_run
from flexrl.train import main
from flexrl.training.members import member_configs
from tests.algos.probes import make_probe
from tests.flexrl.runs import TINY, finish, num_rows, outcome, start

SEEDS = (5, 6, 7, 8)


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    """Four seeds trained together."""
    workspace = tmp_path_factory.mktemp("together")
    main([*TINY, "--workspace", str(workspace), "--name", "group", "--seed", "5", "--num-seeds", "4"])
    return workspace / "group"


@pytest.mark.parametrize("seed", SEEDS)
def test_each_seed_ends_as_it_would_alone_to_the_bit(group, tmp_path, seed):
    main([*TINY, "--workspace", str(tmp_path), "--name", "alone", "--seed", str(seed)])
    assert outcome(group / f"seed-{seed}") == outcome(tmp_path / "alone")


def test_seeds_differ(group):
    returns = {outcome(group / f"seed-{seed}")["result"]["return_mean"] for seed in SEEDS}
    assert len(returns) == len(SEEDS)


def test_a_member_is_a_run_of_its_own(group):
    config = read_config(group / "seed-6")
    assert (config.seed, config.num_seeds, config.folder) == (6, 1, group / "seed-6")
    assert read_config(group).num_seeds == 4


def test_a_member_without_any_checkpoint_beside_others_is_refused(group, tmp_path, capsys):
    shutil.copytree(group, tmp_path / "group")
    shutil.rmtree(tmp_path / "group" / "seed-7" / "checkpoints")
    (tmp_path / "group" / "seed-7" / "result.json").unlink()
    with pytest.raises(SystemExit) as end:
        main(["--resume", "group", "--workspace", str(tmp_path)])
    assert end.value.code == 65
    assert "seed-7 has no checkpoint" in capsys.readouterr().err
    assert (tmp_path / "group" / "seed-6" / "checkpoints").is_dir()


def test_varied_numbers_end_as_they_would_alone_to_the_bit(tmp_path):
    vary = ["learning-rate=1e-3,1e-4", "entropy_weight=0,1e-2"]
    main([*TINY, "--workspace", str(tmp_path), "--name", "group", "--seed", "5", "--vary", *vary])
    alone = ["--workspace", str(tmp_path), "--name", "alone", "--seed", "5"]
    main([*TINY, *alone, "--algorithm.learning-rate", "1e-4", "--algorithm.entropy-weight", "1e-2"])
    members = sorted(path.name for path in (tmp_path / "group").iterdir() if path.is_dir())
    assert members == ["learning_rate-0.0001-entropy_weight-0.01-seed-5", "learning_rate-0.001-entropy_weight-0-seed-5"]
    assert outcome(tmp_path / "group" / members[0]) == outcome(tmp_path / "alone")
    assert outcome(tmp_path / "group" / members[1]) != outcome(tmp_path / "alone")


def test_a_folder_is_named_by_its_number_however_large_or_small():
    config = parse([*TINY, "--name", "group", "--vary", "learning-rate=1e30,1e-30,3"]).config
    names = [member.name for member in member_configs(config)]
    assert names == [f"learning_rate-{number}-seed-0" for number in ("1e30", "1e-30", "3")]


def test_varied_reward_weights_end_as_they_would_alone_to_the_bit(tmp_path):
    main([*TINY, "--workspace", str(tmp_path), "--name", "group", "--vary", "task.forward-weight=1,8"])
    main([*TINY, "--workspace", str(tmp_path), "--name", "alone", "--task.forward-weight", "8"])
    members = [tmp_path / "group" / f"task.forward_weight-{weight}-seed-0" for weight in (1, 8)]
    assert outcome(members[1]) == outcome(tmp_path / "alone")
    assert outcome(members[0]) != outcome(tmp_path / "alone")


def test_children_of_one_parent_end_as_each_would_alone(trained, tmp_path):
    shutil.copytree(trained / "parent", tmp_path / "parent")
    child = [*TINY, "--workspace", str(tmp_path), "--parent", "parent", "--total-steps", "96", "--seed", "5"]
    main([*child, "--name", "alone"])
    main([*child, "--name", "group", "--num-seeds", "2"])
    member = tmp_path / "group" / "seed-5"
    assert outcome(member) == outcome(tmp_path / "alone")
    assert parent_folder(read_run(member)) == (tmp_path / "parent").resolve()
    recorded = [json.loads((run / "metadata.json").read_text())["parent"] for run in (member, tmp_path / "alone")]
    assert recorded[0] == recorded[1]


def test_a_group_whose_parent_does_not_fit_leaves_nothing_behind(trained, tmp_path, capsys):
    shutil.copytree(trained / "parent", tmp_path / "parent")
    group = [*TINY, "--workspace", str(tmp_path), "--name", "group", "--num-seeds", "2"]
    with pytest.raises(SystemExit) as end:
        main([*group, "--parent", "parent", "--env", "Hopper-v5"])
    assert end.value.code == 65 and "parent: " in capsys.readouterr().err
    assert not (tmp_path / "group").exists()


@pytest.mark.slow
def test_a_stopped_group_goes_on_to_the_same_end(group, tmp_path):
    process = start(tmp_path, "group", "--seed", "5", "--num-seeds", "4")
    while num_rows(tmp_path / "group" / "seed-8") < 11:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 75
    finish(start(tmp_path, "group", "--resume"))
    for seed in SEEDS:
        assert outcome(tmp_path / "group" / f"seed-{seed}") == outcome(group / f"seed-{seed}")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--num-seeds", "0"], "num_seeds: 0 must be at least 1"),
        (
            ["--num-seeds", "2", "--early-stop.patience", "3"],
            "num_seeds, vary: 2 runs in one program exclude early_stop",
        ),
        (["--num-seeds", "2", "--num-devices", "2"], "num_seeds, vary: 2 runs in one program exclude num_devices"),
        (["--vary", "discount=0.9,0.99", "--num-devices", "2"], "2 runs in one program exclude num_devices"),
        (["--vary", "discount"], "vary: 'discount' must be field=value,value,... with numbers"),
        (["--vary", "discont=0.9,0.99"], "vary: 'discont' is no field of the algorithm"),
        (["--vary", "task.forwardweight=1,2"], "vary: 'task.forwardweight' is no field of the task"),
        (["--vary", "discount=0.9,2"], "discount: 2.0 must be between 0 and 1"),
        (["--vary", "discount=0.9,0.99", "clip_ratio=0.1"], "{'discount': 2, 'clip_ratio': 1} values"),
        (["--vary", "discount=0.9,0.9"], "has the same values twice"),
        (["--num-seeds", "2", "--seed", str(2**32 - 1)], "seed: 4294967295 must be between 0 and"),
    ],
)
def test_what_cannot_be_is_refused(flags, message):
    with pytest.raises(ConfigError, match=message):
        parse([*TINY, *flags])


def test_what_shapes_the_program_cannot_vary(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main([*TINY, "--workspace", str(tmp_path), "--name", "group", "--vary", "value_clip=0.1,0.2"])
    assert end.value.code == 65
    assert "vary: value_clip cannot differ within one program" in capsys.readouterr().err


def test_a_batch_of_members_computes_what_each_would_alone():
    """As on an accelerator, where members are one batch; sums are made in another order, so not to the bit."""
    env = make_probe([0.1, 0.2, 0.3], target_weight=1.0)
    ppo = PPO(PPOConfig(unroll_length=8, policy_layers=(8,), value_layers=(8,), learning_rate=1e-3), env.spec)
    options = {"num_iterations": 5, "has_host_callback": False}
    alone, together = (Engine(ppo, RolloutSource(VecEnv(env, 16), 8), num_members=n, **options) for n in (1, 3))
    runs = [alone.init(seed) for seed in range(3)]
    batch = together.join([together.init(seed) for seed in range(3)])
    # another entropy weight for one of them: traced numbers may differ within a batch
    weights = [1e-3, 1e-3, 0.5]
    runs = [
        run.replace(hyper=run.hyper | {"entropy_weight": jnp.array(w)}) for run, w in zip(runs, weights, strict=True)
    ]
    batch = batch.replace(hyper=batch.hyper | {"entropy_weight": jnp.array(weights)})
    with jax.debug_key_reuse(False):  # it takes the keys that vmap moves along for used ones
        together.compile()
    for _ in range(5):
        batch, metrics = together.step(batch)
        ended = [alone.step(run) for run in runs]
        runs = [run for run, _ in ended]
    for i, (run, expected) in enumerate(ended):
        member = together.member(batch, i)
        assert int(member.step) == 5
        assert float(together.member(metrics, i)["value/loss"]) == pytest.approx(
            float(expected["value/loss"]), rel=1e-3
        )
        pairs = zip(jax.tree.leaves(member.train.params), jax.tree.leaves(run.train.params), strict=True)
        for a, b in pairs:
            np.testing.assert_allclose(a, b, atol=1e-5)
    kernels = [run.train.params["policy"]["trunk"]["layers"][0]["kernel"] for run in runs]
    assert np.abs(kernels[0] - kernels[1]).max() > 0.01
