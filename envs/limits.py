"""Check that the fields of a task's config are within their limits."""


def require_ranges(config: object, *names: str) -> None:
    """Check fields that are ranges (low, high).

    Raises:
      ValueError: if the low end of one is above its high end.
    """
    for name in names:
        low, high = getattr(config, name)
        if low > high:
            raise ValueError(f"{name}: {(low, high)} must be a range (low, high) with low not above high")


def require_positive(config: object, *names: str) -> None:
    """Check fields that must be above 0.

    Raises:
      ValueError: if one is not.
    """
    for name in names:
        if getattr(config, name) <= 0:
            raise ValueError(f"{name}: {getattr(config, name)} must be above 0")


def require_not_negative(config: object, *names: str) -> None:
    """Check fields that must be at least 0.

    Raises:
      ValueError: if one is below 0.
    """
    for name in names:
        if getattr(config, name) < 0:
            raise ValueError(f"{name}: {getattr(config, name)} is negative")
