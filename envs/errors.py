"""The error that tells a user about wrong input."""


class ConfigError(ValueError):
    """The user's input cannot be used. The message names the field, its value, the limit and what to do instead."""
