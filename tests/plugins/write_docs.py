"""Puts the files of the outside package into docs/extending.md, after the marks that name them."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MARK = re.compile(r"<!-- file: (\S+) -->\n(?:\n```\w+\n.*?\n```\n)?", re.DOTALL)


def filled(page: str) -> str:
    """Return the page with every file as it is now."""

    def block(found: re.Match[str]) -> str:
        path = ROOT / found[1]
        language = "python" if path.suffix == ".py" else "ini"
        return f"<!-- file: {found[1]} -->\n\n```{language}\n{path.read_text('utf-8').strip()}\n```\n"

    return MARK.sub(block, page)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(filled(target.read_text("utf-8")), "utf-8")
