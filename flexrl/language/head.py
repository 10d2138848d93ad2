"""A small classifier on frozen sentence embeddings: which skill a clause asks for, and how fast.

It reads a clause's embedding and hashed words, and says one of `FAMILIES` and one of `SPEEDS`. A family is a skill
without its side: "turn" stands for "turn-left" and "turn-right". The side is read from the words by
`flexrl.language.interpreter`. Axes: B clauses, E embedding, W hashed words, F families.
"""

import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from flexrl.language.encoder import MIN_BATCH
from flexrl.language.plan import Speed

FAMILIES = ("stand", "forward", "backward", "strafe", "turn", "run", "jump", "stand-up", "unsupported")
SPEEDS: tuple[Speed | None, ...] = (None, "slow", "fast")
UNSUPPORTED = FAMILIES.index("unsupported")
WORDS = 512  # buckets into which words and pairs of words are hashed
HIDDEN = 96
SURE_SPEED = 0.7  # least probability of a speed that no known word says
PROTOTYPES = 256  # embeddings of supported clauses, from which the distance of an unknown one is measured
Params = dict[str, Array]


@dataclass(frozen=True)
class Labelled:
    """Clauses to learn from, each with what it asks for.

    Attributes:
      texts: the clauses, B of them.
      families: (B,) index into `FAMILIES` of the skill, without its side, that each clause asks for.
      speeds: (B,) index into `SPEEDS` of each clause's speed; -1 for a clause that no skill can do.
    """

    texts: list[str]
    families: np.ndarray
    speeds: np.ndarray


@dataclass(frozen=True)
class Reading:
    """What the classifier makes of one clause.

    Attributes:
      family: the skill without its side, such as "turn", or "unsupported" if no skill can do it: one of `FAMILIES`.
      speed: "slow", "fast", or None for the usual speed.
      confidence: probability of the family, 0 to 1.
      is_known: whether the clause is close enough to what was learnt, and sure enough, to be acted on.
    """

    family: str
    speed: Speed | None
    confidence: float
    is_known: bool


class Classifier(Protocol):
    """The interface of a classifier: a function from clauses to the skill and the speed that each asks for.

    `Head` is the trained one.
    """

    def __call__(
        self, texts: Sequence[str], embeddings_BE: np.ndarray, possible: Sequence[frozenset[str]] | None = None
    ) -> list[Reading]:
        """Return which skill and speed each clause asks for, and how sure that is.

        Args:
          texts: the clauses, B of them.
          embeddings_BE: their sentence embeddings, (B, E).
          possible: for each clause, the families (skills without their side) that it may be of. "unsupported", for what
            no skill can do, is always possible. None allows all families for all clauses.
        """
        ...


@dataclass(frozen=True)
class Head:
    """The trained classifier.

    Attributes:
      params: weights.
      prototypes: (P, E), the centres, each of length 1, of P clusters of the embeddings of supported clauses.
      min_confidence: probability of the likeliest family (skill without its side), below which a clause counts as not
        understood.
      max_distance: 1 - cosine to the nearest prototype, above which a clause counts as not understood.
      record: numbers of its training (clauses, seed, updates), for its model card.
    """

    params: Params
    prototypes: np.ndarray
    min_confidence: float
    max_distance: float
    record: JsonObject

    def __call__(
        self, texts: Sequence[str], embeddings_BE: np.ndarray, possible: Sequence[frozenset[str]] | None = None
    ) -> list[Reading]:
        """Return which skill and speed each clause asks for, and how sure that is.

        Args:
          texts: the clauses, B of them.
          embeddings_BE: their sentence embeddings, (B, E).
          possible: for each clause, the families (skills without their side) that it may be of. "unsupported", for what
            no skill can do, is always possible. None allows all families for all clauses.
        """
        x = features(texts, embeddings_BE)
        size = max(MIN_BATCH, 1 << (len(x) - 1).bit_length())  # few sizes, so that few programs are compiled
        padded = np.pad(x, ((0, size - len(x)), (0, 0)))
        family_BF, speed_BS = (np.asarray(part)[: len(x)] for part in probabilities(self.params, padded))
        if possible is not None:
            open_BF = np.array([[name in names or name == "unsupported" for name in FAMILIES] for names in possible])
            family_BF = np.where(open_BF, family_BF, 0)
            family_BF /= np.maximum(family_BF.sum(axis=1, keepdims=True), 1e-9)
        distance_B = 1 - (embeddings_BE @ self.prototypes.T).max(axis=1)
        readings = []
        for family, speed, distance in zip(family_BF, speed_BS, distance_B, strict=True):
            best = int(family.argmax())
            known = best != UNSUPPORTED and family[best] >= self.min_confidence and distance <= self.max_distance
            pace = int(speed.argmax()) if speed.max() >= SURE_SPEED else 0
            readings.append(Reading(FAMILIES[best], SPEEDS[pace], float(family[best]), bool(known)))
        return readings

    def save(self, file: Path) -> None:
        """Write all to one `.npz` file of plain arrays, weights as float16."""
        numbers = {"min_confidence": self.min_confidence, "max_distance": self.max_distance, "record": self.record}
        arrays = {name: np.asarray(x, np.float16) for name, x in self.params.items()}
        arrays |= {"prototypes": self.prototypes.astype(np.float16), "numbers": np.array(json.dumps(numbers))}
        np.savez(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, file: Path) -> "Head":
        """Read what `save` wrote.

        Raises:
          ConfigError: if the file is missing or damaged.
        """
        try:
            with np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name].astype(np.float32) for name in stored.files if name != "numbers"}
                numbers = json.loads(str(stored["numbers"]))
            prototypes = arrays.pop("prototypes")
            params = {name: jnp.asarray(x) for name, x in arrays.items()}
            return cls(params, prototypes, numbers["min_confidence"], numbers["max_distance"], numbers["record"])
        except (OSError, ValueError, KeyError) as error:
            raise ConfigError(
                f"instructions: {file} cannot be read ({error}); train it by flexrl.language.train"
            ) from None


def features(texts: Sequence[str], embeddings_BE: np.ndarray) -> np.ndarray:
    """Return what the classifier reads, (B, E + W): embeddings, and counts of hashed words and pairs of words."""
    counts = np.zeros((len(texts), WORDS), np.float32)
    for row, text in enumerate(texts):
        words = re.findall(r"[a-z]+|\d", text.lower())
        for token in (*words, *(f"{a} {b}" for a, b in zip(words, words[1:], strict=False))):
            counts[row, zlib.crc32(token.encode()) % WORDS] += 1
    return np.concatenate([embeddings_BE * np.sqrt(embeddings_BE.shape[1]) / 4, np.minimum(counts, 1)], axis=1)


def init(key: Array, num_features: int) -> Params:
    """Return random weights of a network with one hidden layer, for inputs of `num_features` numbers."""
    keys = jax.random.split(key, 3)

    def layer(key: Array, rows: int, columns: int) -> Array:
        return jax.random.normal(key, (rows, columns)) / np.sqrt(rows)

    return {
        "hidden": layer(keys[0], num_features, HIDDEN),
        "hidden_bias": jnp.zeros(HIDDEN),
        "family": layer(keys[1], HIDDEN, len(FAMILIES)),
        "family_bias": jnp.zeros(len(FAMILIES)),
        "speed": layer(keys[2], HIDDEN, len(SPEEDS)),
        "speed_bias": jnp.zeros(len(SPEEDS)),
    }


def logits(params: Params, x: Array, keep: Array | None = None) -> tuple[Array, Array]:
    """Return the classifier's logits for B clauses: of the F families (B, F), and of the three speeds (B, 3).

    Args:
      params: weights of the network.
      x: features of the clauses, from `features`.
      keep: multiplied with the features, for dropout in training; None for no dropout.
    """
    x = x if keep is None else x * keep
    hidden = jax.nn.relu(x @ params["hidden"] + params["hidden_bias"])
    return hidden @ params["family"] + params["family_bias"], hidden @ params["speed"] + params["speed_bias"]


@jax.jit
def probabilities(params: Params, x: Array) -> tuple[Array, Array]:
    """Return the classifier's probabilities for B clauses: of the families (B, F), and of the speeds (B, 3).

    Args:
      params: weights of the network.
      x: features of the clauses, from `features`.
    """
    family, speed = logits(params, x)
    return jax.nn.softmax(family), jax.nn.softmax(speed)


def fit(
    data: Labelled, embeddings_BE: np.ndarray, *, seed: int, num_updates: int = 3000, batch_size: int = 512
) -> Params:
    """Train the classifier by AdamW with a cosine decay, and return its weights.

    Inputs are dropped at random, hashed words most often, so that the classifier learns to use the embeddings.

    Args:
      data: clauses and labels.
      embeddings_BE: embeddings of the clauses, (B, E).
      seed: seed of the first weights, the minibatches and the dropped inputs.
      num_updates: number of gradient steps.
      batch_size: number of clauses in each gradient step.
    """
    x, num_embedding = jnp.asarray(features(data.texts, embeddings_BE)), embeddings_BE.shape[1]
    families, speeds = jnp.asarray(data.families), jnp.asarray(data.speeds)
    optimizer = optax.adamw(optax.cosine_decay_schedule(2e-3, num_updates), weight_decay=1e-2)
    params = init(jax.random.key(seed), x.shape[1])

    def loss(params: Params, rows: Array, key: Array) -> Array:
        key_words, key_embedding, key_all = jax.random.split(key, 3)
        words = jax.random.bernoulli(key_words, 0.7, (len(rows), WORDS))
        words &= jax.random.bernoulli(key_all, 0.6, (len(rows), 1))  # two in five clauses have no words at all
        kept = jax.random.bernoulli(key_embedding, 0.9, (len(rows), num_embedding)) / 0.9
        family, speed = logits(params, x[rows], jnp.concatenate([kept, words], axis=1))
        family_loss = optax.softmax_cross_entropy_with_integer_labels(family, families[rows])
        speed_loss = optax.softmax_cross_entropy_with_integer_labels(speed, jnp.maximum(speeds[rows], 0))
        return family_loss.mean() + jnp.where(speeds[rows] >= 0, speed_loss, 0).mean()

    def step(carry: tuple[Params, optax.OptState], key: Array) -> tuple[tuple[Params, optax.OptState], Array]:
        params, state = carry
        key_rows, key_loss = jax.random.split(key)
        rows = jax.random.randint(key_rows, (batch_size,), 0, len(x))
        value, grads = jax.value_and_grad(loss)(params, rows, key_loss)
        updates, state = optimizer.update(grads, state, params)
        moved: Params = jax.tree.map(jnp.add, params, updates)
        return (moved, state), value

    keys = jax.random.split(jax.random.key(seed + 1), num_updates)
    (params, _), _ = jax.jit(lambda carry: jax.lax.scan(step, carry, keys))((params, optimizer.init(params)))
    return params


def prototypes_of(embeddings_BE: np.ndarray, *, seed: int, num: int = PROTOTYPES, rounds: int = 12) -> np.ndarray:
    """Return `num` directions (P, E) that embeddings lie around, by spherical k-means."""
    rng = np.random.default_rng(seed)
    centres = embeddings_BE[rng.choice(len(embeddings_BE), min(num, len(embeddings_BE)), replace=False)]
    for _ in range(rounds):
        nearest = (embeddings_BE @ centres.T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, embeddings_BE)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-9), centres)
    return centres


def labelled(examples: Sequence[tuple[str, str, str | None]]) -> Labelled:
    """Return examples in the form that the classifier is trained on: skills and speeds become indices.

    Args:
      examples: for each clause its text, its skill or "unsupported", and its speed. Skills lose their side.
    """
    families = np.array([FAMILIES.index(family_of(skill)) for _, skill, _ in examples])
    speeds = np.array([-1 if skill == "unsupported" else SPEEDS.index(speed) for _, skill, speed in examples])
    return Labelled([text for text, _, _ in examples], families, speeds)


def family_of(skill: str) -> str:
    """Return the family of a skill, which leaves out its side: "forward" for "walk-forward-left"."""
    for prefix, family in (("walk-forward", "forward"), ("walk-backward", "backward"), ("strafe", "strafe")):
        if skill.startswith(prefix):
            return family
    return "turn" if skill.startswith("turn") else skill


def thresholds(
    head: Head, data: Labelled, embeddings_BE: np.ndarray, sure_enough: float, near_enough: float
) -> tuple[float, float]:
    """Return the limits `min_confidence` and `max_distance` of a classifier, chosen on labelled clauses.

    Clauses beyond these limits count as not understood. The two shares say how many supported clauses are to pass.

    Args:
      head: the classifier; the limits that it has already are not used.
      data: clauses that it was not trained on.
      embeddings_BE: embeddings of the clauses, (B, E).
      sure_enough: share (0 to 1) that is to reach the confidence, of the supported clauses that are classified right.
      near_enough: share (0 to 1) of the supported clauses that are to be within the distance of a prototype.
    """
    family_BF = np.asarray(probabilities(head.params, features(data.texts, embeddings_BE))[0])
    supported = data.families != UNSUPPORTED
    right = supported & (family_BF.argmax(axis=1) == data.families)
    distance_B = 1 - (embeddings_BE @ head.prototypes.T).max(axis=1)
    confidence = float(np.quantile(family_BF.max(axis=1)[right], 1 - sure_enough))
    return confidence, float(np.quantile(distance_B[supported], near_enough))
