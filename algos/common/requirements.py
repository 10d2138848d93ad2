"""The check by which configs refuse hyper-parameters outside their range."""


def require(holds: bool, name: str, value: object, limit: str) -> None:
    """Raise ValueError if a field's value is not within its limit.

    Args:
      holds: whether the value is within its limit.
      name: name of the field.
      value: value of the field.
      limit: words that follow "must be" in the message.

    Raises:
      ValueError: if `holds` is false.
    """
    if not holds:
        raise ValueError(f"{name}: {value} must be {limit}")
