"""What a user can put right."""


class ConfigError(ValueError):
    """The user's input cannot be used; the message names the field, the value, the limit and the way out."""
