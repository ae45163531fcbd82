"""Prepares the documentation as the source of a site: the README becomes its first page, links follow. See `make site`.

Usage: python docs/site.py FOLDER
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def prepare(target: Path, root: Path = ROOT) -> list[Path]:
    """Copy every page into a fresh folder and return them; the README's links lose their ``docs/``."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(root / "docs", target, ignore=shutil.ignore_patterns("*.py"))
    pages = {"index.md": root / "README.md", "changes.md": root / "CHANGELOG.md"}
    for name, source in pages.items():
        (target / name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    found = sorted(target.rglob("*.md"))
    for page in found:
        page.write_text(linked(page.read_text(encoding="utf-8")), encoding="utf-8")
    return found


def linked(text: str) -> str:
    """Return a page with its links as they lead inside the site; links to source code become plain text."""
    text = re.sub(r"\]\((?:\.\./)?README\.md", "](index.md", text)
    text = re.sub(r"\]\((?:\.\./)?CHANGELOG\.md", "](changes.md", text)
    text = re.sub(r"\]\(docs/", "](", text)
    return re.sub(r"\[([^\]]*)\]\((?:\.\./|LICENSE|CITATION|studies/|validation/|tests/|src/)[^)]*\)", r"\1", text)


if __name__ == "__main__":
    print(f"{len(prepare(Path(sys.argv[1])))} pages")
