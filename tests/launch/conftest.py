import sys

import pytest

from launch import attempt
from tests.launch import fake_training


@pytest.fixture
def fake_trainings(monkeypatch):
    """Attempts run `tests/launch/fake_training.py`."""
    monkeypatch.setattr(attempt, "TRAINING", (sys.executable, "-m", fake_training.__name__))
