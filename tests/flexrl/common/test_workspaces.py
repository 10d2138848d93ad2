from pathlib import Path

import pytest

from flexrl.common import workspaces
from flexrl.common.errors import ConfigError
from flexrl.storage.run_folder import RunFolder, find_run
from flexrl.storage.run_view import read_runs

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:40 / {here}/nfs rw,relatime - nfs4 filer:/runs rw,vers=4.1
41 22 0:41 / {here}/a\\040bucket rw,nosuid,nodev - fuse runs rw,user_id=0
42 41 0:42 / {here}/a\\040bucket/disk rw - xfs /dev/vdb rw
43 22 0:43 / {here}/gcs rw - fuse.gcsfuse runs rw
44 22 0:44 / {here}/sshfs rw - fuse.sshfs host:/x rw
"""


@pytest.fixture
def mounts(tmp_path, monkeypatch):
    path = tmp_path / "mountinfo"
    path.write_text(MOUNTS.format(here=tmp_path))
    monkeypatch.setattr(workspaces, "MOUNTS", path)
    return tmp_path


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("", "ext4"),
        ("nfs/run", "nfs4"),
        ("nfs-2", "ext4"),
        ("a bucket/run", "fuse"),
        ("a bucket/disk/run", "xfs"),
        ("gcs", "fuse.gcsfuse"),
    ],
)
def test_a_folder_is_on_the_file_system_that_is_mounted_nearest(mounts, folder, kind):
    assert workspaces.file_system(mounts / folder) == kind


def test_where_mounts_cannot_be_read_nothing_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(workspaces, "MOUNTS", Path("/nonexistent"))
    workspaces.require_file_system(tmp_path)


@pytest.mark.parametrize("folder", ["a bucket", "gcs"])
def test_a_run_on_a_mounted_bucket_is_refused(mounts, folder):
    with pytest.raises(ConfigError, match=f"workspace: .*{folder}.* is a bucket mounted by FUSE .*cluster.workspace"):
        RunFolder(mounts / folder / "run")
    assert list((mounts / folder / "run").iterdir()) == []
    for fine in ("nfs", "sshfs", "a bucket/disk"):
        RunFolder(mounts / fine / "run").close()


def test_a_bucket_in_place_of_a_folder_is_refused_with_the_way_out():
    for refused in (
        lambda: find_run("gs://runs/x"),
        lambda: find_run("x", "gs://runs"),
        lambda: read_runs(Path("gs://r")),
    ):
        with pytest.raises(ConfigError, match="'gs://r.* is a bucket.*flexrl.runs pull"):
            refused()
