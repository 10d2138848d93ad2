"""MkDocs's hook: add the pages that are generated, and lead links to files of the repository to their pages."""

import logging
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from docs.hooks import api, commands, repository  # noqa: E402
from docs.hooks.config_pages import config_pages  # noqa: E402

logging.getLogger("jax").setLevel(logging.ERROR)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill in the navigation: leave out pages that other work brings and that are not there yet, add generated ones."""
    assert config.nav is not None
    absent = {name for name in config.extra["optional_pages"] if not (ROOT / "docs" / name).exists()}
    config.nav = _filled(config.nav, absent)
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
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links that leave `docs/` to the pages of those files."""
    if page.file.generated_by is not None:
        return markdown
    return repository.rewritten(markdown, ROOT / "docs" / page.file.src_uri, page.file.src_uri)


def _command_pages() -> dict[str, str]:
    pages = {f"reference/commands/{module}.md": commands.page(module) for module in commands.modules()}
    rows = "\n".join(f"- [`python -m {module}`]({module}.md)" for module in commands.modules())
    pages["reference/commands/index.md"] = f"# Commands\n\nEvery command prints its flags with `--help`.\n\n{rows}\n"
    return pages


def _filled(nav: list, absent: set[str]) -> list:
    filled = []
    for entry in nav:
        if isinstance(entry, str):
            filled += [] if entry in absent else [entry]
            continue
        ((title, value),) = entry.items()
        if value == "GENERATED_COMMANDS":
            pages = [{module: f"reference/commands/{module}.md"} for module in commands.modules()]
            measuring = [page for page in pages if next(iter(page)).startswith("benchmarks.")]
            value = ["reference/commands/index.md", *(page for page in pages if page not in measuring)]
            value.append({"Benchmarks": measuring})
        elif value == "GENERATED_API":
            value = [{name: uri} for uri, name in api.titles().items()]
        elif isinstance(value, list):
            value = _filled(value, absent)
        if value not in absent if isinstance(value, str) else value:
            filled.append({title: value})
    return filled
