"""List the public modules, a page for each folder; mkdocstrings reads their docstrings when the site is built."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("envs", "algos", "flexrl", "launch")


def titles() -> dict[str, str]:
    """Return the name of each folder of modules, by the address of its page."""
    return {"api/index.md": "Overview"} | {f"api/{folder}.md": folder for folder in _folders()}


def pages() -> dict[str, str]:
    """Return the pages of the API reference, by their address."""
    found = {}
    for folder, modules in _folders().items():
        found[f"api/{folder}.md"] = f"# {folder}\n\n" + "\n".join(f"::: {module}\n" for module in modules)
    listed = "\n".join(
        f"- [{folder}]({folder}.md): {', '.join(_last(m) for m in modules)}" for folder, modules in _folders().items()
    )
    found["api/index.md"] = (
        "# API\n\nThe modules by folder, from their docstrings. [Architecture](../architecture.md) shows how the "
        f"folders depend on one another.\n\n{listed}\n"
    )
    return found


def _folders() -> dict[str, list[str]]:
    """Return the dotted names of the modules of each folder that has any."""
    found: dict[str, list[str]] = {}
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            if file.name not in ("__init__.py", "__main__.py") or file.stat().st_size > 400:
                parts = file.relative_to(ROOT).with_suffix("").parts
                if parts[-1] != "__main__":
                    folder = ".".join(parts[:-1])
                    name = ".".join(parts).removesuffix(".__init__")
                    found.setdefault(folder, []).append(name)
    return found


def _last(module: str) -> str:
    return module.rpartition(".")[2]
