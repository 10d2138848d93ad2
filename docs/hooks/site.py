"""MkDocs's hook: add the pages that are generated, and lead links to files of the repository to their pages."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from docs.hooks import api, commands, repository  # noqa: E402
from docs.hooks.config_pages import config_pages  # noqa: E402
from flexrl.__main__ import COMMANDS, GROUPS  # noqa: E402

logging.getLogger("jax").setLevel(logging.ERROR)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill in the navigation: the generated pages, and under Guides each page of `docs/` that it does not name."""
    assert config.nav is not None
    pages = (page.relative_to(ROOT / "docs").as_posix() for page in sorted((ROOT / "docs").rglob("*.md")))
    named = set(_named(config.nav))
    config.nav = _filled(config.nav, [page for page in pages if page not in named])
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages and the files of the repository that pages link to."""
    pages = config_pages() | _command_pages() | api.pages()
    for uri, target in repository.mirrored().items():
        if target.suffix in repository.PICTURES:
            files.append(File.generated(config, uri, abs_src_path=str(target)))
        else:
            pages[uri] = repository.content(target)
    for uri, text in pages.items():
        files.append(File.generated(config, uri, content=_weighted(uri, text)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links that leave `docs/` to the pages of those files."""
    if page.file.generated_by is not None:
        return markdown
    return repository.rewritten(markdown, ROOT / "docs" / page.file.src_uri, page.file.src_uri)


def _command_pages() -> dict[str, str]:
    pages = {f"reference/commands/{module}.md": commands.page(module) for module in commands.modules()}
    pages["reference/commands/index.md"] = _overview()
    return pages


def _overview() -> str:
    """Return the page that lists the commands, as `flexrl` without arguments does, and the others after them."""
    parts = [
        "# Commands\n\n`flexrl NAME` is short for `python -m` and the module. "
        "Every command prints its flags with `--help`.\n"
    ]
    named = {command.module for command in COMMANDS.values()}
    for title, group in GROUPS.items():
        rows = "\n".join(f"| [`flexrl {each.name}`]({each.module}.md) | {each.text} |" for each in group)
        parts.append(f"## {title}\n\n| command | |\n|---|---|\n{rows}\n")
    others = [module for module in commands.modules() if module not in named]
    parts.append("## Others\n\n" + "\n".join(f"- [`python -m {module}`]({module}.md)" for module in others))
    return "\n".join(parts)


def _weighted(uri: str, text: str) -> str:
    """Return a page that the search lists before others if it is of the reference, and after them if it is source."""
    weights = {"reference": 20, "api": 0.5, "repository": 0.5}
    return f"---\nsearch:\n  boost: {weights[uri.partition('/')[0]]}\n---\n\n{text}"


def _named(nav: list) -> Iterator[str]:
    """Yield the addresses that a navigation names."""
    for entry in nav:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            yield from _named(value) if isinstance(value, list) else [value]


def _filled(nav: list, others: list[str]) -> list:
    """Return the navigation with generated pages in place of their names, and other pages at the end of the guides."""
    filled = []
    for entry in nav:
        title, value = next(iter(entry.items())) if isinstance(entry, dict) else (None, entry)
        if value == "GENERATED_COMMANDS":
            value = _commands_nav()
        elif value == "GENERATED_API":
            value = [{name: uri} for uri, name in api.titles().items()]
        elif isinstance(value, list):
            value = _filled(value, []) + (others if title == "Guides" else [])
        filled.append(value if title is None else {title: value})
    return filled


def _commands_nav() -> list:
    pages = [{module: f"reference/commands/{module}.md"} for module in commands.modules()]
    measuring = [page for page in pages if next(iter(page)).startswith("benchmarks.")]
    return [
        "reference/commands/index.md",
        *(page for page in pages if page not in measuring),
        {"Benchmarks": measuring},
    ]
