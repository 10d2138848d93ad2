"""How hyper-parameters outside their range are refused."""

from typing import Any


def require(holds: bool, name: str, value: Any, limit: str) -> None:
    """Refuse a value, by its field's name.

    Args:
      holds: whether the value is within its limit.
      name: of the field.
      value: that was given.
      limit: what it must be, to follow "must be".

    Raises:
      ValueError: if it does not hold.
    """
    if not holds:
        raise ValueError(f"{name}: {value} must be {limit}")
