"""Where runs can lie: addresses of buckets, and folders on file systems that cannot hold a running training."""

import re
from pathlib import Path

from flexrl.common.errors import ConfigError

SCHEME = "gs://"
ADDRESS = re.compile(r"gs://([a-z0-9][a-z0-9._-]{1,61}[a-z0-9])((?:/[A-Za-z0-9._-]+)*)/?")
WITH_BUCKET = (
    "train in a folder and copy it by python -m flexrl.runs push gs://BUCKET/PATH RUN; a sweep does that itself with "
    "cluster.workspace"
)
MOUNTS = Path("/proc/self/mountinfo")
# File systems that show a bucket as a folder. GKE's driver mounts GCS FUSE as plain `fuse`.
MOUNTED_BUCKETS = ("fuse", "fuse.gcsfuse", "fuse.s3fs", "fuse.goofys", "fuse.rclone", "fuse.blobfuse", "fuse.blobfuse2")


def parse_address(address: str, field: str = "bucket") -> tuple[str, str]:
    """Return name and path of a bucket; the path begins with a slash or is empty.

    Args:
      address: `gs://BUCKET` or `gs://BUCKET/PATH`.
      field: name of the field or flag that holds the address, for the message.

    Raises:
      ConfigError: if the address is malformed.
    """
    found = ADDRESS.fullmatch(address)
    if found is None or {".", ".."} & set(found[2].split("/")):
        raise ConfigError(
            f"{field}: {address!r} must be gs://BUCKET or gs://BUCKET/PATH of letters, digits, '.', '_', '-'"
        )
    return found[1], found[2]


def require_no_bucket(field: str, place: str | Path, way_out: str) -> None:
    """Raise ConfigError if a bucket's address stands where a local folder is needed.

    Args:
      field: name of the field or flag, for the message.
      place: value of the field or flag; in a `Path`, a bucket's address begins with `gs:/`.
      way_out: what the user can do instead, as the end of the message.

    Raises:
      ConfigError: naming the field, the value and the way out.
    """
    if str(place).startswith(SCHEME.removesuffix("/")):
        address = f"{SCHEME}{str(place).removeprefix('gs:').lstrip('/')}"
        raise ConfigError(f"{field}: {address!r} is a bucket, and runs are read and written in a folder; {way_out}")


def require_file_system(folder: Path) -> None:
    """Raise ConfigError if a folder is a mounted bucket, where locks, appending and renaming do not work.

    Raises:
      ConfigError: naming the folder, its file system and what to do instead.
    """
    kind = file_system(folder)
    if kind in MOUNTED_BUCKETS:
        raise ConfigError(
            f"workspace: {folder} is a bucket mounted by FUSE ({kind}), which shows appended rows and locks to no "
            "other machine; train in a folder of a disk or of NFS, and copy the run by python -m flexrl.runs push, or "
            "give a sweep cluster.workspace: gs://BUCKET/PATH"
        )


def file_system(folder: Path) -> str:
    """Return the type of the file system that a folder lies on, such as `ext4`; empty where that cannot be known."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    here, kind, longest = folder.resolve(), "", -1
    for line in lines:
        before, _, after = line.partition(" - ")
        mounted = before.split()[4].replace("\\040", " ")
        if here.is_relative_to(mounted) and len(mounted) >= longest:
            kind, longest = after.split()[0], len(mounted)
    return kind
