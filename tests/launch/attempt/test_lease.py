import threading
import time

import pytest

from launch.attempt import lease
from launch.attempt.lease import Lease


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for name, seconds in {"BEAT": 0.05, "STALE": 0.6, "LOST": 0.3, "SETTLE": 0.1, "POLL": 0.02}.items():
        monkeypatch.setattr(lease, f"{name}_SECONDS", seconds)


def test_a_lease_that_is_kept_is_refused_and_one_that_was_released_is_free(tmp_path):
    path = tmp_path / "lease"
    with Lease(path), pytest.raises(BlockingIOError, match="another process keeps it"):
        Lease(path)
    assert list(tmp_path.iterdir()) == []
    with Lease(path) as held:
        assert not held.is_lost


def test_a_lease_whose_holder_vanished_is_taken_over_once_it_is_stale(tmp_path):
    path = tmp_path / "lease"
    path.write_text('{"holder": "vanished", "beat": 7}')
    started = time.monotonic()
    with Lease(path) as held:
        assert time.monotonic() - started >= lease.STALE_SECONDS
        assert not held.is_lost


def test_of_many_that_want_a_stale_lease_one_has_it(tmp_path):
    path = tmp_path / "lease"
    path.write_text('{"hol')  # its machine vanished while it was written
    held, done = [], threading.Event()

    def want():
        try:
            with Lease(path) as mine:
                held.append(mine)
                done.wait(10)
        except BlockingIOError:
            pass

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(2.0)
    assert len(held) == 1 and not held[0].is_lost
    done.set()
    for thread in threads:
        thread.join()


def test_a_holder_that_finds_another_name_has_lost_it_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "LOST_SECONDS", 1000.0)
    path = tmp_path / "lease"
    with Lease(path) as held:
        path.write_text('{"holder": "another", "beat": 1}')
        time.sleep(0.5)
        assert held.is_lost
    assert "another" in path.read_text()  # it is no longer ours to remove


def test_a_holder_that_cannot_write_has_lost_it_after_a_while(tmp_path):
    folder = tmp_path / "volume"
    folder.mkdir()
    with Lease(folder / "lease") as held:
        (folder / "lease").unlink()
        folder.rmdir()  # no write succeeds any more
        time.sleep(3 * lease.LOST_SECONDS)
        assert held.is_lost
