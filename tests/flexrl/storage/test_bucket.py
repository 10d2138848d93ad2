"""Whole objects in a bucket: the real client library against `tests.launch.bucket.server`."""

import io
import os
import threading

import pytest

pytest.importorskip("google.cloud.storage", reason="the extra `bucket` is not installed")

from flexrl.common.errors import ConfigError
from flexrl.common.workspaces import parse_address
from flexrl.storage import bucket as bucket_module
from flexrl.storage.bucket import Bucket, BucketDown, Superseded
from tests.launch.bucket.server import Trouble

LARGE = 9 << 20  # bytes; from 8 MiB on the library sends an object by a resumable upload


@pytest.fixture
def server(storage):
    return storage


def test_an_object_is_read_as_it_was_written_with_its_generation(server):
    place = Bucket("gs://runs/a/b")
    assert place.read("x") is None
    generation = place.swap("x", b"one", 0)
    assert place.read("x") == bucket_module.Stored(b"one", generation)
    assert server.names() == ["a/b/x"]


def test_a_swap_succeeds_only_on_the_generation_that_was_read(server):
    place = Bucket("gs://runs")
    first = place.swap("x", b"one", 0)
    with pytest.raises(Superseded, match="gs://runs/x: was written by another process"):
        place.swap("x", b"two", 0)
    second = place.swap("x", b"two", first)
    with pytest.raises(Superseded):
        place.swap("x", b"three", first)
    assert server.objects["x"].content == b"two" and second > first


def test_of_many_that_create_an_object_at_once_one_has_it(server):
    won, start = [], threading.Barrier(8)

    def create(name):
        place = Bucket("gs://runs")
        start.wait()
        try:
            place.swap("x", name, 0)
            won.append(name)
        except Superseded:
            pass

    threads = [threading.Thread(target=create, args=(f"writer {i}".encode(),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [server.objects["x"].content]


def test_a_file_that_grows_is_written_up_to_the_size_that_was_asked_for(server, tmp_path):
    place = Bucket("gs://runs")
    place.create("small", io.BytesIO(b"row 1\nrow 2\n"), 6)
    assert server.objects["small"].content == b"row 1\n"
    large = os.urandom(LARGE)
    place.create("large", io.BytesIO(large), LARGE)
    assert place.fetch("large", tmp_path / "large") and (tmp_path / "large").read_bytes() == large


def test_an_object_that_is_not_there_leaves_no_file(server, tmp_path):
    assert not Bucket("gs://runs").fetch("missing", tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_an_object_is_deleted_once(server):
    place = Bucket("gs://runs")
    place.swap("x", b"one", 0)
    for _ in range(2):  # the second finds nothing
        place.delete("x")
    assert server.names() == []


def test_lists_are_relative_to_the_place_and_go_over_pages(server):
    for i in range(250):
        server.put(f"path/sweep/{i:03}/manifest.json", b"")
    server.put("path/sweep-2/0/manifest.json", b"")
    place = Bucket("gs://runs/path")
    assert place.names("sweep") == [f"sweep/{i:03}/manifest.json" for i in range(250)]
    assert sorted(place.folders("sweep")) == [f"{i:03}" for i in range(250)]
    assert place.names("nothing") == place.folders("nothing") == []


def test_errors_lost_answers_and_cut_bodies_change_nothing(server, tmp_path):
    place, content = Bucket("gs://runs"), os.urandom(100_000)
    server.trouble = Trouble(errors=0.15, lost=0.2, cut=0.2, seed=7)
    generation = 0
    for i in range(20):
        generation = place.swap("x", b"%d" % i, generation)
        assert place.read("x") == bucket_module.Stored(b"%d" % i, generation)
        place.create(f"files/{i}", io.BytesIO(content), len(content))
        assert place.fetch(f"files/{i}", tmp_path / "file") and (tmp_path / "file").read_bytes() == content
    codes = {code for _, _, code in server.requests}
    assert {200, 412, 503} <= codes  # 412: the first try was carried out, and its answer was lost


def test_a_bucket_that_stays_down_is_given_up_with_one_line(server):
    server.trouble = Trouble(down=True)
    with pytest.raises(BucketDown, match=r"gs://runs: did not answer for 0 s .*503.*try again later"):
        Bucket("gs://runs", patience_seconds=0.2).read("x")


def test_what_cannot_pass_is_refused_at_once_and_names_the_way_out(server, monkeypatch):
    with pytest.raises(ConfigError, match="gs://other: there is no such bucket; make it"):
        Bucket("gs://other").read("x")
    with pytest.raises(ConfigError, match="gs://other: there is no such bucket; make it"):
        Bucket("gs://other").names("x")
    server.refuses = True
    with pytest.raises(ConfigError, match="gs://runs: refused .*storage.objectUser"):
        Bucket("gs://runs").swap("x", b"", 0)
    assert [code for method, _, code in server.requests if method == "POST"] == [403]  # it was not repeated
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nonexistent")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(ConfigError, match="there are no credentials; run gcloud auth"):
        Bucket("gs://runs")


@pytest.mark.parametrize(
    "address", ["runs", "s3://runs", "gs:/runs", "gs://", "gs://R/x", "gs://runs/a b", "gs://runs/.."]
)
def test_a_malformed_address_is_refused(address):
    with pytest.raises(ConfigError, match="bucket: .* must be gs://BUCKET"):
        parse_address(address)


@pytest.mark.parametrize(("address", "parts"), [("gs://runs", ("runs", "")), ("gs://runs/a/b/", ("runs", "/a/b"))])
def test_an_address_has_a_name_and_a_path(address, parts):
    assert parse_address(address) == parts
