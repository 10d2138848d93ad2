"""A command line's parser whose refusals are those of all else."""

import argparse
from typing import Any

from flexrl.common.errors import ConfigError


class Parser(argparse.ArgumentParser):
    """Refuses with a `ConfigError` instead of leaving the process."""

    def error(self, message: str) -> Any:
        """Refuse."""
        raise ConfigError(message)
