"""How many small edits of the code does no test notice? Draws mutants by a seed, stratified by room, and runs tests.

Run: python validation/mutants/reach.py MAP.json, then
     python validation/mutants/mutate.py --map MAP.json [--mutants 300] [--seed 1] [--first 0] [--only N ...]
     python validation/mutants/mutate.py --count
A mutant changes one place of one file: a comparison, an operator of arithmetic, a number, a boolean, `and`/`or`, a
`not`, or a statement that is left out. It is tried by the tests that run its line (`reach.py`), the quickest first, and
what survives them by whole test files that name its module; the first failure ends it. Every mutant has a process of
its own, a fork of one in which everything but Gauger is imported already, and sees a package that is all links but for
the one changed file, its own subprocesses too. Mutants are numbered: `--first` goes on where an earlier run stopped.
Each that survives is printed with its line, to be killed by a test or argued in README.md.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import gc
import importlib
import json
import os
import random
import resource
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

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
        # nothing assigns to what is frozen (the type checker holds it); `strict` is an assertion
        if isinstance(node, ast.keyword) and node.arg in ("frozen", "strict"):
            skipped.add(id(node.value))
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


def mutate(text: str, number: int) -> tuple[str, tuple[int, int], str, str]:
    """Return the changed text, its first and last line, and the changed piece before and after."""
    tree = ast.parse(text)
    node = list(ast.walk(tree))[number]
    before = ast.unparse(node)
    lines = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
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
    return ast.unparse(ast.fix_missing_locations(tree)), lines, before, ast.unparse(node)


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


LONGEST_S = 1800
"""Until a trial is ended, on a busy machine; its processor time is limited much below that."""
ENOUGH_S, ENOUGH_TESTS = 60.0, 150
"""Of the tests that could notice a mutant, the quickest that together take this many processor seconds are run."""
QUIETLY = ("-q", "-x", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
"""Arguments of pytest; that its plugins are imported before it runs is what makes a fork quick."""
Reach = dict[str, Any]
"""What `reach.py` wrote."""


def quickest(reach: Reach, tests: Iterable[str]) -> list[str]:
    """Return the tests worth running, the quickest first."""
    chosen, total = [], 0.0
    for test in sorted(tests, key=reach["seconds"].__getitem__)[:ENOUGH_TESTS]:
        total += reach["seconds"][test]
        if total > ENOUGH_S and chosen:
            break
        chosen.append(test)
    return chosen


def tests_reaching(reach: Reach, path: Path, first: int, last: int) -> list[str]:
    """Return the tests that run a place; of what runs on import, those of the function, else the file, around it.

    No test runs a default of a parameter or a constant of a module: whoever calls the function, or reads the constant,
    depends on it.
    """
    lines = reach["lines"].get(str(path.relative_to(SOURCE)), {})
    for start, end in ((first, last), _around(path, first), (1, len(path.read_text().splitlines()))):
        if tests := {test for line in range(start, end + 1) for test in lines.get(str(line), ())}:
            return quickest(reach, tests)
    return []


def _around(path: Path, line: int) -> tuple[int, int]:
    """Return the lines of the smallest function or class that a line stands in; the line itself where there is none."""
    spans = [
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    inside = [span for span in spans if span[0] <= line <= span[1]]
    return min(inside, key=lambda span: span[1] - span[0], default=(line, line))


def tests_naming(reach: Reach, path: Path, but: list[str]) -> list[str]:
    """Return the other tests of the files that name a module; files that were not traced are run whole."""
    files = tests_of(path)
    traced = {test.partition("::")[0] for test in reach["seconds"]}
    others = quickest(reach, {test for test in reach["seconds"] if test.partition("::")[0] in files} - set(but))
    return others or [file for file in files if not but and file not in traced]


def linked_package(folder: Path, path: Path, text: str) -> None:
    """Lay out the package in a folder by links, with one changed file: its compiled form goes beside it alone."""
    name = path.relative_to(SOURCE)
    inside = folder / "gauger"
    real, linked = SOURCE, inside
    for part in name.parts:
        linked.mkdir()
        for entry in real.iterdir():
            if entry.name not in (part, "__pycache__"):
                (linked / entry.name).symlink_to(entry)
        cache = real / "__pycache__"
        if cache.is_dir():
            (linked / "__pycache__").mkdir()
            for compiled in cache.iterdir():
                if compiled.name.partition(".")[0] != name.stem:
                    (linked / "__pycache__" / compiled.name).symlink_to(compiled)
        real, linked = real / part, linked / part
    linked.write_text(text)


def first_failure(path: Path, text: str, tests: list[str]) -> str:
    """Run tests in a fork of this process in which one file of the package is another; name the first that fails."""
    with tempfile.TemporaryDirectory() as folder:
        linked_package(Path(folder), path, text)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os._exit(_try(folder, tests, write))
        os.close(write)
        _, status = os.waitpid(child, 0)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what a test's killed driver left
        with os.fdopen(read) as failures:
            name = failures.readline().strip()
    if os.waitstatus_to_exitcode(status) == 0:
        return ""
    return name or f"exit {os.waitstatus_to_exitcode(status)}"


class Telling:
    """A plugin of pytest that writes the name of every test that failed."""

    def __init__(self, out: int) -> None:
        self.out = out

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Tell of a failure."""
        if report.failed:
            os.write(self.out, f"{report.nodeid}\n".encode())


def _try(folder: str, tests: list[str], out: int) -> int:
    os.setsid()
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    resource.setrlimit(resource.RLIMIT_CPU, (int(3 * ENOUGH_S), int(3 * ENOUGH_S) + 5))
    os.environ["PYTHONPATH"] = folder
    sys.path[:0] = [folder, str(ROOT)]
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.chdir(ROOT)
    import pytest

    return int(pytest.main([*QUIETLY, *tests], plugins=[Telling(out)]))


@cache
def failure_of_unchanged(tests: tuple[str, ...]) -> str:
    """Name the first test that fails where nothing was changed, and so kills nothing; "" where all pass."""
    path = SOURCE / "errors.py"
    return first_failure(path, path.read_text(), list(tests))


def import_all(names: list[str]) -> None:
    """Import what the tests import, but for Gauger and the tests themselves."""
    ours = {path.stem for path in (ROOT / "tests").rglob("*.py")} | {path.name for path in (ROOT / "tests").iterdir()}
    for name in names:
        if name.partition(".")[0] not in ours and name not in sys.modules:
            with contextlib.suppress(ImportError, AttributeError):
                importlib.import_module(name)
    assert not any(name.partition(".")[0] == "gauger" for name in sys.modules)
    gc.freeze()


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


def outcome_of(reach: Reach, path: Path, place: int) -> tuple[str, str, str]:
    """Try one mutant: what became of it, where and what it is, and the test that noticed."""
    text, (line, last), before, after = mutate(path.read_text(), place)
    what = f"{path.relative_to(SOURCE)}:{line} {before[:70]!r} -> {after[:70]!r}"
    near = tests_reaching(reach, path, line, last)
    further = tests_naming(reach, path, near)
    if not near and not further:
        return "NO TESTS", what, ""
    for tests in filter(None, (near, further)):
        waiting = tests
        while waiting and (failed := first_failure(path, text, waiting)):
            unsound = failure_of_unchanged((failed,) if "::" in failed else tuple(waiting))
            if not unsound:
                return "killed", what, failed
            # Of tests that cannot be collected together no single one is named: what fails anyway is taken out first.
            left = [test for test in waiting if test not in (failed, unsound)]
            waiting = left if len(left) < len(waiting) else []
    return "SURVIVED", what, ""


def main() -> int:
    """Draw, try, count."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--map", type=Path)
    parser.add_argument("--mutants", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, default=None)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the draw")
    parser.add_argument("--room", nargs="*", default=list(STRATA), help="strata that are tried; all are drawn")
    parser.add_argument("--count", action="store_true")
    options = parser.parse_args()
    chosen = list(enumerate(draw(options.mutants, options.seed)))
    if options.count:
        print(len(chosen), Counter(room for _, (room, *_) in chosen))
        return 0
    reach = json.loads(options.map.read_text())
    import_all(reach["modules"])
    ended: Counter[tuple[str, str]] = Counter()
    wanted = chosen[options.first : options.last] if options.only is None else [chosen[n] for n in options.only]
    for number, (room, path, place, kind) in [drawn for drawn in wanted if drawn[1][0] in options.room]:
        outcome, what, test = outcome_of(reach, path, place)
        ended[room, outcome] += 1
        print(f"{number:3} {outcome:8} {room:8} [{kind}] {what} {test}", flush=True)
    tried, lived = sum(ended.values()), sum(n for (_, outcome), n in ended.items() if outcome != "killed")
    low, high = wilson(lived, tried)
    print(f"tried {tried}, survived {lived}: {lived / tried:.1%} (95 % interval {low:.1%} to {high:.1%})", dict(ended))
    return 0


if __name__ == "__main__":
    sys.exit(main())
