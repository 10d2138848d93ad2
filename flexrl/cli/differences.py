"""Find out in which fields a run's config differs from the defaults."""

from typing import Any

from flexrl.cli.arguments import default_config
from flexrl.common.errors import ConfigError
from flexrl.common.nested import flat
from flexrl.common.types import JsonObject
from flexrl.config.run_config import PLACE, encode


def differences(config: JsonObject) -> tuple[dict[str, tuple[Any, Any]], str | None]:
    """Return the fields of a run's config that are not at their defaults.

    Fields that say where results go, such as `name` and `workspace`, are left out.

    Returns:
      fields: value and default, by the field's name. If the defaults are not known, all fields, with the default None.
      problem: a line that says why the defaults are not known; None if they are.
    """
    algo, env, profile = (str(config.get(field)) for field in ("algo", "env", "profile"))
    stored = {name: value for name, value in flat(config).items() if name not in PLACE}
    try:
        defaults = flat(encode(default_config(algo, env, profile)))
    except ConfigError as error:
        return {name: (value, None) for name, value in stored.items()}, f"defaults: {error}"
    different = {name: (value, defaults.get(name)) for name, value in stored.items()}
    return {name: (value, default) for name, (value, default) in different.items() if value != default}, None
