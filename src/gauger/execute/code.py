"""Tells which code a job can reach, and gives it a version: the closure of imports, read from the sources.

A module is in the closure of a target ("module:function") if the target's module imports it, anywhere in the file, in a
function too, directly or through others. Followed are the modules of this package and of the package that the target is
of; what is imported for type checking alone is not, for it never runs. A name that comes through the door of a package
(its `__init__`, or the `__init__.pyi` that a lazy door declares) leads to the module that defines it, so that a door
does not drag its whole package in. A module that reads files of a package (`importlib.resources.files("package")`)
brings these along. Parts that are found by name at run time (`plugs.Registry`) are not seen from the code: a job names
them beside its function.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

OWN = "gauger"


def code_version(targets: Iterable[str]) -> str:
    """Hash all code that some targets can reach.

    Parameters
    ----------
    targets : iterable of str
        "module:function" or "module"; their order does not matter.

    Returns
    -------
    str
        16 hexadecimal digits that change when any line of any file of the closure changes, and with no other.
    """
    digest = hashlib.sha256()
    for name, path in sorted(closure(targets).items()):
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def closure(targets: Iterable[str]) -> dict[str, Path]:
    """Return every file that some targets can reach, under a name that does not depend on where it is installed."""
    waiting = [module_of(target) for target in targets]
    roots = frozenset((OWN, *(module.partition(".")[0] for module in waiting)))
    files: dict[str, Path] = {}
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        path = _source(module)
        files[module] = path
        imported, data = _read(module, path, roots)
        waiting += imported
        files.update((f"{package}/{name}", place) for package in data for name, place in _data_of(package))
    return files


def module_of(target: str) -> str:
    """Return the module behind "module:attribute": where a door names the attribute, the one that defines it."""
    module, _, attribute = target.partition(":")
    return _defining(module, attribute) if attribute.isidentifier() else module


def package_version() -> str:
    """Hash all code of this package, data files included: what two machines must agree on to share work."""
    digest = hashlib.sha256()
    folder = _source(OWN).parent
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _source(module: str) -> Path:
    """Find a module's file without importing anything: neither it nor the packages that it lies in."""
    top, *inner = module.split(".")
    spec = find_spec(top)
    path = Path(spec.origin) if spec is not None and spec.origin else Path()
    for name in inner:
        within = path.parent if path.name == "__init__.py" else Path()
        path = within / name / "__init__.py"
        path = path if path.is_file() else within / f"{name}.py"
    if not path.is_file():
        raise ModuleNotFoundError(f"no source for {module}", name=module)
    return path


@cache
def _read(module: str, path: Path, roots: frozenset[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the modules that a file imports, and the packages whose data files it reads."""
    tree = ast.parse(path.read_bytes())
    imported: list[str] = []
    data: list[str] = []
    for node in _running(tree):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names if _is_of(alias.name, roots)]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, path)
            if _is_of(base, roots):
                imported += [_defining(base, alias.name) for alias in node.names]
        elif isinstance(node, ast.Call) and (package := _files_of(node)):
            data.append(package)
    return tuple(dict.fromkeys(imported)), tuple(dict.fromkeys(data))


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk all that can run: what stands under `if TYPE_CHECKING` never does."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _is_of(module: str, roots: frozenset[str]) -> bool:
    return module.partition(".")[0] in roots


def _absolute(node: ast.ImportFrom, module: str, path: Path) -> str:
    """Return the absolute name of what an import is from."""
    if not node.level:
        return node.module or ""
    parts = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    parent = parts[: len(parts) - node.level + 1]
    return ".".join([*parent, *([node.module] if node.module else [])])


@cache
def _defining(base: str, name: str) -> str:
    """Return the module that ``from base import name`` leads to: one of that name, or where the name is defined."""
    if _exists(f"{base}.{name}"):
        return f"{base}.{name}"
    path = _source(base)
    if path.name != "__init__.py":
        return base
    declared = path.with_suffix(".pyi")
    door = declared if declared.is_file() else path
    for node in ast.walk(ast.parse(door.read_bytes())):
        if isinstance(node, ast.ImportFrom) and any((alias.asname or alias.name) == name for alias in node.names):
            original = next(alias.name for alias in node.names if (alias.asname or alias.name) == name)
            return _defining(_absolute(node, base, path), original)
    return base


@cache
def _exists(module: str) -> bool:
    parent, _, name = module.rpartition(".")
    if not parent or _source(parent).name != "__init__.py":
        return False
    folder = _source(parent).parent
    return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()


def _files_of(node: ast.Call) -> str:
    """Return the package of a call ``files("package")`` or ``resources.files("package")``; empty for another call."""
    called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    argument = node.args[0] if called == "files" and node.args else None
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else ""


def _data_of(package: str) -> Iterator[tuple[str, Path]]:
    """Yield the files beside a package's modules that are no Python, with their paths below it."""
    folder = _source(package).parent
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in {".py", ".pyi", ".pyc"}:
            yield path.relative_to(folder).as_posix(), path
