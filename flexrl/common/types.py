"""Names two types that Python's annotations cannot state exactly.

`JsonObject` is the content of a JSON or YAML file, and `PyTree` a pytree of arrays, such as a train state.
"""

from typing import Any

# What a JSON or YAML file holds. Its values have the type that the file gives them: whoever reads one checks it.
JsonObject = dict[str, Any]

# A pytree of arrays, such as a train state, for which JAX has no type.
PyTree = Any
