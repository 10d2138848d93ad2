"""Name and label the Kubernetes objects of a sweep."""

import hashlib
import json
from typing import Any

from flexrl.common.types import JsonObject
from launch.plan.sweep_file import Sweep

Manifest = JsonObject


def selector(sweep: Sweep) -> str:
    """Return the label selector of all objects of a sweep."""
    return ",".join(f"{name}={value}" for name, value in labels(sweep).items())


def labels(sweep: Sweep) -> dict[str, str]:
    """Return the labels of all objects of a sweep."""
    return {"app.kubernetes.io/name": "flexrl", "app.kubernetes.io/instance": sweep.name}


def named(stem: str, manifest: Manifest) -> Manifest:
    """Return the object with a name: the stem and a hash of the content."""
    metadata = {"name": f"{stem}-{digest([stem, manifest])}", **manifest["metadata"]}
    return {key: metadata if key == "metadata" else value for key, value in manifest.items()}


def digest(content: Any) -> str:
    """Return ten hexadecimal digits of the SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]
