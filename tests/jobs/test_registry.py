"""What can change a job's result is in its address: the code of the working rooms that job functions import."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from gauger.jobs.registry import CODE, LANGUAGE_CODE, REGISTRY

ROOMS = ("gauger.worlds", "gauger.elicit", "gauger.train", "gauger.measure")


def imported(module):
    """Modules of the working rooms that a module imports, inside functions too, types alone left out."""
    tree = ast.parse(Path(find_spec(module).origin).read_text())
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    types = {id(node) for block in blocks for node in ast.walk(block)}
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and id(node) not in types}
    return {name for name in names if name and name.startswith(ROOMS)}


@pytest.mark.parametrize(
    ("code", "jobs"),
    [
        (CODE, {target for kind, target in REGISTRY.items() if not kind.startswith("language-")}),
        (LANGUAGE_CODE, {target for kind, target in REGISTRY.items() if kind.startswith("language-")}),
    ],
)
def test_what_job_functions_import_is_in_their_address(code, jobs):
    modules = {target.partition(":")[0] for target in jobs} | {name for name in code if name.startswith("gauger.study")}
    assert modules <= set(code)
    outside = {
        (module, name)
        for module in modules
        for name in imported(module)
        if not any(name == known or name.startswith(f"{known}.") for known in code)
    }
    assert not outside
