"""Trains the PyTorch Decision Transformer of `transformers` on random data, for `benchmarks.offline`.

`benchmarks.peers.process` starts it and talks to it. It runs in the environment `.venv-peers`.
"""

import json
import os
import sys
import time

import torch  # pyright: ignore[reportMissingImports]
import transformers  # pyright: ignore[reportMissingImports]

NUM_UPDATES = 5  # in one call
NUM_STEPS = 10_000  # in the random data, which is kept in memory


def main(obs_size: int, action_size: int, batch_size: int, context_length: int) -> None:
    """Make `NUM_UPDATES` gradient steps for every line `go` on standard input, and print the seconds that they took.

    The learning rate does not warm up.
    """
    lines = sys.stdout
    torch.set_num_threads(os.cpu_count() or 1)
    torch.manual_seed(0)
    model = transformers.DecisionTransformerModel(
        transformers.DecisionTransformerConfig(
            state_dim=obs_size,
            act_dim=action_size,
            hidden_size=128,
            n_layer=3,
            n_head=1,
            n_inner=512,
            activation_function="relu",
            resid_pdrop=0.1,
            embd_pdrop=0.1,
            attn_pdrop=0.1,
            max_ep_len=1000,
        )
    ).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=1e-4)
    obs, action = torch.randn(NUM_STEPS, obs_size), torch.rand(NUM_STEPS, action_size) * 2 - 1
    return_to_go = torch.rand(NUM_STEPS, 1)
    mask = torch.ones(batch_size, context_length, dtype=torch.long)

    def update() -> None:
        rows = torch.randint(NUM_STEPS - context_length, (batch_size, 1)) + torch.arange(context_length)
        predicted = model(
            states=obs[rows],
            actions=action[rows],
            rewards=None,
            returns_to_go=return_to_go[rows],
            timesteps=rows % 1000,
            attention_mask=mask,
        ).action_preds
        loss = ((predicted - action[rows]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()

    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    print(json.dumps({"num_steps": NUM_UPDATES, "settings": versions}), file=lines, flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        for _ in range(NUM_UPDATES):
            update()
        print(json.dumps({"seconds": time.perf_counter() - started}), file=lines, flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
