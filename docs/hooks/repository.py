"""Show the files of the repository that pages link to as pages of the site, so that the site needs no other place."""

import functools
import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(?<!\\)(\]\(|src=\")([^)\s\"#]*)(#[^)\s\"]*)?(\)|\")")
FENCE = re.compile(r"^(```|~~~)", re.MULTILINE)
LANGUAGES = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".sh": "bash", ".tf": "terraform"}
PICTURES = (".png", ".svg", ".gif", ".jpg", ".mp4")


def links(markdown: str) -> list[str]:
    """Return the relative addresses that a page links to, without anchors; none of those in code."""
    return [match[2] for match in LINK.finditer(_without_code(markdown)) if _is_relative(match[2])]


@functools.cache
def mirrored() -> dict[str, Path]:
    """Return the files and folders outside of `docs/` that pages link to, directly or through one another.

    Returns:
      The path in the repository, by its address in the site.
    """
    found: dict[str, Path] = {}
    waiting = sorted((ROOT / "docs").rglob("*.md"))
    while waiting:
        page = waiting.pop()
        for address in links(page.read_text(encoding="utf-8")):
            target = Path(posixpath.normpath(page.parent / address))
            if not target.exists() or not target.is_relative_to(ROOT) or target.is_relative_to(ROOT / "docs"):
                continue
            uri = _uri(target)
            if uri not in found:
                found[uri] = target
                if target.suffix == ".md":
                    waiting.append(target)
                elif target.is_dir() and (target / "README.md").exists():
                    waiting.append(target / "README.md")
    return found


def content(target: Path) -> str:
    """Return the page of a file or folder of the repository, with links that lead to pages of the site."""
    name = target.relative_to(ROOT)
    if target.is_dir():
        if (readme := target / "README.md").exists():
            return rewritten(readme.read_text(encoding="utf-8"), readme, _uri(target))
        files = sorted(file for file in target.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        return f"# {name}/\n\n" + "\n\n".join(f"## {file.name}\n\n{_block(file)}" for file in files)
    if target.suffix == ".md":
        return rewritten(target.read_text(encoding="utf-8"), target, _uri(target))
    return f"# {name}\n\n{_block(target)}"


def rewritten(markdown: str, source: Path, uri: str) -> str:
    """Return a page's text with links that lead to pages of the site.

    Args:
      markdown: the text.
      source: file that it is from; its links are relative to the file's folder.
      uri: address of the page in the site.
    """

    def replaced(match: re.Match[str]) -> str:
        opening, address, anchor, closing = match[1], match[2], match[3] or "", match[4]
        if not _is_relative(address):
            return match[0]
        target = Path(posixpath.normpath(source.parent / address))
        if target.is_relative_to(ROOT / "docs"):
            wanted = target.relative_to(ROOT / "docs").as_posix()
        elif target.exists() and target.is_relative_to(ROOT):
            wanted = _uri(target)
        else:
            return match[0]  # the strict build names it
        return f"{opening}{posixpath.relpath(wanted, posixpath.dirname(uri) or '.')}{anchor}{closing}"

    parts = re.split(r"(^(?:```|~~~).*?^(?:```|~~~)[ \t]*$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if FENCE.match(part) else LINK.sub(replaced, part) for part in parts)


def _uri(target: Path) -> str:
    """Return the address in the site of a file or folder of the repository."""
    name = target.relative_to(ROOT).as_posix()
    if target.suffix in PICTURES or target.suffix == ".md":
        return f"repository/{name}"
    return f"repository/{name}.md"


def _block(file: Path) -> str:
    if file.suffix in PICTURES:
        return f"(a picture, {file.name})"
    text = file.read_text(encoding="utf-8", errors="replace")
    return f"```{LANGUAGES.get(file.suffix, 'text')}\n{text.rstrip()}\n```\n"


def _without_code(markdown: str) -> str:
    text = re.sub(r"^(```|~~~).*?^\1[ \t]*$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def _is_relative(address: str) -> bool:
    return bool(address) and "://" not in address and not address.startswith(("mailto:", "/", "data:"))
