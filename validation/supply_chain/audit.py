"""Is what is installed what was pinned, and is every installed file the one that its wheel recorded? No network.

Run: python validation/supply_chain/audit.py        compare, and exit with 1 where something differs
     python validation/supply_chain/audit.py --lean list the packages that the analysis part needs, with their versions
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]


def normal(name: str) -> str:
    """Return the one spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(path: Path) -> dict[str, str]:
    """Read name -> version of a file of constraints."""
    lines = path.read_text().splitlines() if path.exists() else []
    found = (re.match(r"([A-Za-z0-9_.-]+)==([^\s;\\]+)", line) for line in lines)
    return {normal(one[1]): one[2] for one in found if one}


def needed_for_analysis() -> dict[str, str]:
    """Return every package that `pip install gauger` brings here, with its version: the closure without extras."""
    from packaging.requirements import Requirement

    waiting, found = ["gauger"], dict[str, str]()
    while waiting:
        package = distribution(waiting.pop())
        name = normal(package.metadata["Name"])
        if name in found:
            continue
        found[name] = package.version
        for text in package.requires or ():
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                waiting.append(one.name)
    del found["gauger"]
    return dict(sorted(found.items()))


def changed_files(package: Distribution) -> list[str]:
    """Return the files of a package that are not what its wheel recorded."""
    found = []
    for file in package.files or ():
        path = Path(str(package.locate_file(file)))
        if file.hash is None or file.hash.mode != "sha256" or file.suffix == ".pyc":
            continue
        digest = hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b""
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            found.append(str(file))
    return found


def main() -> int:
    """Compare."""
    lean = needed_for_analysis()
    if "--lean" in sys.argv:
        print("\n".join(f"{name}=={version}" for name, version in lean.items()))
        return 0
    faults = []
    wanted = pinned(ROOT / "constraints.txt") | pinned(ROOT / "constraints-analysis.txt")
    installed = {normal(one.metadata["Name"]): one for one in distributions()}
    for name, package in sorted(installed.items()):
        if name in wanted and package.version != wanted[name]:
            faults.append(f"{name} is {package.version}, pinned is {wanted[name]}")
        faults += [f"{name}: {file} is not what its wheel recorded" for file in changed_files(package)]
    faults += [f"{name} is needed for analysis and not pinned" for name in lean if name not in wanted]
    print(f"{len(installed)} packages, {len(lean)} of them needed for analysis; {len(faults)} faults")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
