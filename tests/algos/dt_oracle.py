"""Our Decision Transformer beside PyTorch's, from `transformers`, with the same weights; prints where they differ most.

It runs where both are installed: `make peers`.
"""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import torch
import transformers

from algos.common.normalization import RunningStatistics
from algos.dt.config import DTConfig
from algos.dt.learner import DT
from algos.dt.windows import WindowBatch, Windows
from envs.types import EnvSpec
from tests.algos.compiled import windows_at
from tests.algos.offline_data import random_dataset

SPEC = EnvSpec(obs_size=11, action_size=3, goal_size=0, control_period=1.0, episode_length=60)
CONFIG = DTConfig(
    num_updates=1, batch_size=64, dropout=0.0, learning_rate=1e-3, warmup_updates=1, weight_decay=1e-2, num_heads=2
)


def theirs() -> transformers.DecisionTransformerModel:
    """The model of `CONFIG`, with weights of more than their usual size, so that attention is not even."""
    model = transformers.DecisionTransformerModel(
        transformers.DecisionTransformerConfig(
            state_dim=SPEC.obs_size,
            act_dim=SPEC.action_size,
            hidden_size=CONFIG.embed_size,
            max_ep_len=SPEC.episode_length,
            n_layer=CONFIG.num_layers,
            n_head=CONFIG.num_heads,
            attn_implementation="eager",
            initializer_range=0.1,
        )
    )
    # The paper took GPT-2's own embedding of positions out; here one row of it is added everywhere.
    model.encoder.wpe.weight.requires_grad_(False).zero_()
    return model.eval()


def ours(model: transformers.DecisionTransformerModel) -> dict:
    """The model's weights by our names."""

    def array(x: torch.Tensor) -> jax.Array:
        return jnp.asarray(x.detach().numpy().copy())

    def linear(layer: torch.nn.Linear) -> dict:
        return {"kernel": array(layer.weight.T), "bias": array(layer.bias)}

    def norm(layer: torch.nn.LayerNorm) -> dict:
        return {"scale": array(layer.weight), "bias": array(layer.bias)}

    def fused(layer: torch.nn.Module) -> dict:  # GPT-2's, which multiplies from the other side
        return {"kernel": array(layer.weight), "bias": array(layer.bias)}

    blocks = {
        i: {
            "norm_attention": norm(block.ln_1),
            "query_key_value": fused(block.attn.c_attn),
            "attended": fused(block.attn.c_proj),
            "norm_dense": norm(block.ln_2),
            "widen": fused(block.mlp.c_fc),
            "narrow": fused(block.mlp.c_proj),
        }
        for i, block in enumerate(model.encoder.h)
    }
    return {
        "embed_return": linear(model.embed_return),
        "embed_obs": linear(model.embed_state),
        "embed_action": linear(model.embed_action),
        "embed_time": {"embedding": array(model.embed_timestep.weight)},
        "embed_norm": norm(model.embed_ln),
        "blocks": blocks,
        "norm": norm(model.encoder.ln_f),
        "head": linear(model.predict_action[0]),
    }


def random_windows(dtype: type) -> Windows:
    """As training draws them; many begin with padding."""
    data = random_dataset((60, 5, 19, 33, 1), obs_size=SPEC.obs_size, action_size=SPEC.action_size)
    place = np.random.default_rng(0).integers(0, 118 + 5 * 19, CONFIG.batch_size)
    windows = windows_at(data, jnp.array(place), CONFIG.context_length)
    return jax.tree.map(lambda x: x.astype(dtype) if x.dtype == jnp.float32 else x, windows)


def predicted(model: transformers.DecisionTransformerModel, windows: Windows) -> torch.Tensor:
    """Their actions (B, K, A), from padding as the paper's code writes it."""
    valid = np.asarray(windows.valid)

    def filled(x: jax.Array, value: float) -> torch.Tensor:
        return torch.tensor(np.where(valid.reshape(valid.shape + (1,) * (x.ndim - 2)), x, value))

    return model(
        states=filled(windows.obs, 0),
        actions=filled(windows.action, -10),
        rewards=None,
        returns_to_go=filled(windows.return_to_go, 0)[..., None] / CONFIG.return_scale,
        timesteps=filled(windows.time, 0).long(),
        attention_mask=torch.tensor(valid).long(),
    ).action_preds


def difference_of_actions() -> float:
    """In single precision, over every step that is no padding."""
    torch.set_default_dtype(torch.float32)
    model, windows = theirs(), random_windows(np.float32)
    with torch.no_grad():
        expected = predicted(model, windows).numpy()
    actions = jnp.tanh(DT(CONFIG, SPEC).network(ours(model), windows))
    return float(np.abs(actions - expected)[np.asarray(windows.valid)].max())


def differences_after_a_step() -> dict[str, float]:
    """Of weights after one update in double precision, beside how far the update moved them, and of what led to it."""
    torch.set_default_dtype(torch.float64)
    model, windows = theirs(), random_windows(np.float64)
    dt = DT(CONFIG, SPEC)
    before = {"policy": ours(model)}
    train = dataclasses.replace(
        dt.init(jax.random.key(0)), params=before, optimizer=dt.optimizer.init(before),
        normalizer=RunningStatistics(jnp.array(1.0), jnp.zeros(SPEC.obs_size), jnp.ones(SPEC.obs_size)),
    )  # fmt: skip
    batch = WindowBatch(jax.tree.map(lambda x: x[None], windows), train.normalizer, jnp.zeros(()))
    after, metrics = jax.jit(dt.update)(train, batch, dt.init_hyper(), jax.random.key(1))

    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=CONFIG.learning_rate, weight_decay=CONFIG.weight_decay)
    valid = torch.tensor(np.asarray(windows.valid))
    action = torch.tensor(np.asarray(windows.action))
    loss = ((predicted(model, windows)[valid] - action[valid]) ** 2).mean()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(trained, CONFIG.max_grad_norm)
    optimizer.step()

    def largest(a: dict, b: dict) -> float:
        return max(jax.tree.leaves(jax.tree.map(lambda x, y: float(np.abs(x - y).max()), a, b)))

    return {
        "moved": largest(after.params["policy"], before["policy"]),
        "weights": largest(after.params["policy"], ours(model)),
        "loss": abs(float(metrics["policy/loss"]) - loss.item()),
        "grad_norm": abs(float(metrics["update/grad_norm"]) - norm.item()),
        "clipped": float(norm) / CONFIG.max_grad_norm,
    }


if __name__ == "__main__":
    jax.config.update("jax_default_matmul_precision", "highest")
    torch.manual_seed(0)
    found = {"actions": difference_of_actions()}
    jax.config.update("jax_enable_x64", True)
    print(json.dumps(found | differences_after_a_step()))
