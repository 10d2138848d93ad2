"""Upload and download the folders of exported policies, by the Hugging Face Hub's own client."""

import contextlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from envs.places import require_free
from flexrl.common.errors import ConfigError, Unavailable
from flexrl.common.files import new_folder, write_text
from flexrl.common.tables import say
from flexrl.hub.card import card
from flexrl.storage.policy_file import FILE, exported_step, is_exported, require_intact
from flexrl.storage.run_folder import find_run, read_config

FILES = (FILE, "config.yaml", "export.json", "skills.json", "README.md")  # all else in a repository is left alone
NEEDED = FILES[:3]
NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


def push(policy: str, repository: str, private: bool = False) -> str:
    """Upload an exported policy with a model card, in one commit. What has not changed is not sent again.

    Args:
      policy: folder of the exported policy.
      repository: `USER/NAME` on the Hub; created if it does not exist.
      private: create the repository so that only its owner can see it.

    Returns:
      The address of the repository.

    Raises:
      ConfigError: if the folder holds no exported policy, or the Hub refuses the repository or the token.
      CheckpointError: if the policy is damaged.
      Unavailable: if the Hub does not answer.
    """
    _require_name(repository)
    folder = find_run(policy)
    if not is_exported(folder):
        raise ConfigError(
            f"policy: {folder} is a run; export its policy first: python -m flexrl.export {folder} --out FOLDER"
        )
    require_intact(folder)
    from huggingface_hub import HfApi

    say(f"uploading {folder} to {repository}")
    with _hub(repository), tempfile.TemporaryDirectory() as place:
        for name in FILES:
            if (folder / name).is_file():
                (Path(place) / name).write_bytes((folder / name).read_bytes())
        write_text(Path(place) / "README.md", card(folder, repository))
        url = HfApi().create_repo(repository, private=private, exist_ok=True)
        step = exported_step(folder, "best")
        HfApi().upload_folder(
            repo_id=repository, folder_path=place, commit_message=f"Upload the policy of iteration {step}"
        )
    return str(url)


def pull(repository: str, out: Path | None = None, revision: str | None = None) -> Path:
    """Download an exported policy. The folder appears only when it is complete and its content matches its SHA-256.

    Nothing that is downloaded is run: the files are arrays, YAML, JSON and Markdown.

    Args:
      repository: `USER/NAME` on the Hub.
      out: folder to create; `NAME` if it is None.
      revision: branch, tag or commit; the newest commit of the main branch if it is None.

    Raises:
      ConfigError: if the folder exists, the Hub has no such repository or revision, or it holds no policy of flex-rl.
      CheckpointError: if the policy is damaged.
      Unavailable: if the Hub does not answer.
    """
    _require_name(repository)
    out = out or Path(repository.partition("/")[2])
    require_free(out)
    from huggingface_hub import hf_hub_download, list_repo_files

    say(f"downloading {repository}")
    with new_folder(out) as folder:
        with _hub(repository), tempfile.TemporaryDirectory() as place:
            there = list_repo_files(repository, revision=revision)
            if lacking := [name for name in NEEDED if name not in there]:
                raise ConfigError(f"repository: {repository} holds no policy of flex-rl: it lacks {', '.join(lacking)}")
            for name in (name for name in FILES if name in there):
                file = hf_hub_download(repository, name, revision=revision, local_dir=place)
                (folder / name).write_bytes(Path(file).read_bytes())
        require_intact(folder)
        read_config(folder)
    return out


def _require_name(repository: str) -> None:
    if not NAME.fullmatch(repository):
        raise ConfigError(f"repository: {repository!r} must be USER/NAME, of letters, digits, '-', '_' and '.'")


@contextlib.contextmanager
def _hub(repository: str) -> Iterator[None]:
    """Translate errors of the Hub's client inside this context.

    A request that the Hub refuses raises ConfigError. A request that may succeed later raises Unavailable.
    """
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OfflineModeIsEnabled
    from huggingface_hub.errors import HTTPError as TransportError

    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 500
        if status >= 500 or status == 429:
            raise Unavailable(f"repository: {repository}: the Hub answered {status}; try again later") from None
        way_out = "check the name and the revision, and set HF_TOKEN to a token that may write there"
        raise ConfigError(f"repository: {repository}: the Hub refused with {status}; {way_out}") from None
    except (HFValidationError, LocalTokenNotFoundError) as error:
        raise ConfigError(f"repository: {repository}: {error}; set HF_TOKEN to a token of your account") from None
    except (TransportError, OfflineModeIsEnabled, ConnectionError) as error:
        raise Unavailable(f"repository: {repository}: the Hub does not answer ({error}); try again later") from None
