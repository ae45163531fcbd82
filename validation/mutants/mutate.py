"""How many small edits of the code does no test notice? Draws mutants by a seed, stratified by room, and runs tests.

Run: python validation/mutants/mutate.py [--mutants 300] [--seed 1] [--first 0] [--timeout 300] >> results.txt
     python validation/mutants/mutate.py --count
A mutant changes one place of one file: a comparison, an operator of arithmetic, a number, a boolean, `and`/`or`, a
`not`, or a statement that is left out. It is tried on a copy of the package, with the tests that name its module (their
imports say so), the quickest files first, and the first failure ends it. Mutants are numbered: `--first` goes on where
an earlier run stopped. Each that survives is printed with its line, to be killed by a test or argued in README.md.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "gauger"
STRATA = {
    "stats": ["stats"],
    "estimate": ["estimate"],
    "store": ["store", "execute/cache.py"],
    "budget": ["elicit/teacher/budget.py", "execute/limits.py"],
}
"""Room -> its files; a quarter of the mutants each."""
COMPARE = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
COMPARE |= {ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}
ARITHMETIC |= {ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}


def files_of(room: str) -> list[Path]:
    """Return the files of a stratum."""
    found: list[Path] = []
    for name in STRATA[room]:
        path = SOURCE / name
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return [path for path in found if path.name != "__init__.py"]


def places(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (number of the node in `ast.walk`, kind of change) of everything that can be changed."""
    skipped = set()
    for node in ast.walk(tree):
        annotations = [getattr(node, name, None) for name in ("annotation", "returns")]
        for part in annotations:
            skipped |= {id(one) for one in ast.walk(part)} if part is not None else set()
        if isinstance(node, ast.Assert | ast.Raise | ast.JoinedStr | ast.ImportFrom):
            skipped |= {id(one) for one in ast.walk(node)}
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            skipped |= {id(one) for one in ast.walk(node)}
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARE:
            yield number, "compare"
        elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
            yield number, "arithmetic"
        elif isinstance(node, ast.BoolOp):
            yield number, "and/or"
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
            yield number, "sign"
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
            yield number, "number"
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield number, "left out"


def mutate(text: str, number: int) -> tuple[str, int, str, str]:
    """Return the changed text, the line, and the changed piece before and after."""
    tree = ast.parse(text)
    node = list(ast.walk(tree))[number]
    before = ast.unparse(node)
    line = getattr(node, "lineno", 0)
    if isinstance(node, ast.Compare):
        node.ops[0] = COMPARE[type(node.ops[0])]()
    elif isinstance(node, ast.BinOp):
        node.op = ARITHMETIC[type(node.op)]()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd() if isinstance(node.op, ast.USub) else node.op
        if isinstance(node.op, ast.Not):
            node.operand = ast.UnaryOp(ast.Not(), copy.deepcopy(node.operand))
    elif isinstance(node, ast.Constant):
        node.value = (not node.value) if isinstance(node.value, bool) else node.value + 1
    elif isinstance(node, ast.Expr):
        node.value = ast.Constant(None)
    return ast.unparse(ast.fix_missing_locations(tree)), line, before, ast.unparse(node)


def tests_of(path: Path) -> list[str]:
    """Return the test files that name a module, the smallest first: that import it, or its names through a door."""
    module = ".".join(("gauger", *path.relative_to(SOURCE).with_suffix("").parts))
    names = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    public = {name for name in names if not name.startswith("_")}
    room = path.relative_to(SOURCE).parts[0]
    direct, through = [], []
    for test in sorted((ROOT / "tests").rglob("test_*.py"), key=lambda one: one.stat().st_size):
        text = test.read_text()
        if module in text or f"import {path.stem}" in text:
            direct.append(test)
        elif f"tests/{room}" in test.as_posix() and any(name in text for name in public):
            through.append(test)
    return [str(test.relative_to(ROOT)) for test in [*direct, *through][:14]]


def killed(path: Path, text: str, timeout: float) -> bool | None:
    """Run the tests of a module on a copy of the package with one changed file; None: it has no tests."""
    tests = tests_of(path)
    if not tests:
        return None
    with tempfile.TemporaryDirectory() as folder:
        copied = shutil.copytree(SOURCE, Path(folder) / "gauger", ignore=shutil.ignore_patterns("__pycache__"))
        (copied / path.relative_to(SOURCE)).write_text(text)
        environment = {**os.environ, "PYTHONPATH": folder, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
        try:
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return True
    return done.returncode != 0


def draw(n: int, seed: int) -> list[tuple[str, Path, int, str]]:
    """Draw mutants: room, file, place and kind, as many of each room."""
    generator = random.Random(seed)  # noqa: S311
    drawn: dict[str, list[tuple[str, Path, int, str]]] = {}
    for room in STRATA:
        pool = [(room, path, *place) for path in files_of(room) for place in places(ast.parse(path.read_text()))]
        drawn[room] = generator.sample(pool, min(n // len(STRATA), len(pool)))
    # One of each room in turn, so that a run that is cut short is stratified too.
    longest = max(map(len, drawn.values()))
    return [drawn[room][k] for k in range(longest) for room in STRATA if k < len(drawn[room])]


def wilson(k: int, n: int) -> tuple[float, float]:
    """95 % interval of a share."""
    z, share = 1.959964, k / n
    centre, half = share + z * z / (2 * n), z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)


def main() -> int:
    """Draw, try, count."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mutants", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, default=None)
    parser.add_argument("--timeout", type=float, default=300)
    parser.add_argument("--count", action="store_true")
    options = parser.parse_args()
    chosen = draw(options.mutants, options.seed)
    if options.count:
        print(len(chosen), Counter(room for room, *_ in chosen))
        return 0
    ended: Counter[tuple[str, str]] = Counter()
    for number, (room, path, place, kind) in list(enumerate(chosen))[options.first : options.last]:
        text, line, before, after = mutate(path.read_text(), place)
        outcome = {True: "killed", False: "SURVIVED", None: "NO TESTS"}[killed(path, text, options.timeout)]
        ended[room, outcome] += 1
        where = f"{path.relative_to(SOURCE)}:{line}"
        print(f"{number:3} {outcome:8} {room:8} {where} [{kind}] {before[:70]!r} -> {after[:70]!r}", flush=True)
    tried, lived = sum(ended.values()), sum(n for (_, outcome), n in ended.items() if outcome != "killed")
    low, high = wilson(lived, tried)
    print(f"tried {tried}, survived {lived}: {lived / tried:.1%} (95 % interval {low:.1%} to {high:.1%})", dict(ended))
    return 0


if __name__ == "__main__":
    sys.exit(main())
