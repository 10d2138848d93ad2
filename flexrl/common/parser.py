"""A command-line parser that reports wrong arguments as `ConfigError`, as the rest of the library does."""

import argparse
from typing import NoReturn

from flexrl.common.errors import ConfigError


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that raises `ConfigError` instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        """Raise `ConfigError` with argparse's message."""
        raise ConfigError(message)
