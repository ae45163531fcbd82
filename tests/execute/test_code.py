"""The code that a job can reach: what belongs to its closure, and what changes its version."""

import subprocess
import sys
from pathlib import Path

import pytest

from gauger.execute.code import closure, code_version, package_version

FILES = {
    "__init__.py": "raise RuntimeError('must not be imported')\n",
    "job.py": "from mine import helper\n\n\ndef run():\n    from mine.late import thing\n    return thing\n",
    "helper.py": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from mine.hints import Hint\nelse:\n"
    "    from mine.otherwise import Hint\n",
    "hints.py": "class Hint: ...\n",
    "otherwise.py": "Hint = None\n",
    "late.py": "import mine.deep.inner\nthing = 1\n",
    "unrelated.py": "from mine import hints\n",
    "deep/__init__.py": "",
    "deep/inner.py": "from ..relative import value\nfrom . import sibling\n",
    "deep/sibling.py": "",
    "deep/apart.py": "",
    "relative.py": "value = 1\n",
    "door/__init__.py": "from mine.door.first import one\nfrom .second import two as deux\n",
    "door/first.py": "one = 1\n",
    "door/second.py": "two = 2\n",
    "lazy/__init__.py": "def __getattr__(name):\n    raise AttributeError(name)\n",
    "lazy/__init__.pyi": "from .first import one as one\nfrom .second import two as two\n",
    "lazy/first.py": "one = 1\n",
    "lazy/second.py": "two = 2\n",
    "through.py": "from mine.door import deux\nfrom mine.lazy import one\n",
    "reads.py": "from importlib.resources import files\n\ntext = files('mine.data').joinpath('a.yaml')\n",
    "reads_by_module.py": "from importlib import resources\n\ntext = resources.files('mine.data').joinpath('a.yaml')\n",
    "data/__init__.py": "",
    "data/a.yaml": "a: 1\n",
    "data/more/b.txt": "b\n",
    "data/code.py": "",
    "circle.py": "import mine.round\n",
    "round.py": "import mine.circle\n",
}


@pytest.fixture(autouse=True)
def package(tmp_path, monkeypatch):
    """A package of somebody else's, on disk, never imported; its modules are looked up anew in each test."""
    for name, text in FILES.items():
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    yield tmp_path / "mine"
    forget()
    for name in [name for name in sys.modules if name.partition(".")[0] == "mine"]:
        del sys.modules[name]


def forget():
    """Drop what was read of modules in this process."""
    from gauger.execute import code

    for remembered in (code._source, code._read, code._defining, code._exists):
        remembered.cache_clear()


def reached(target):
    return {name for name in closure([target]) if name.partition(".")[0].partition("/")[0] == "mine"}


def test_imports_count_wherever_they_stand_and_through_others():
    assert reached("mine.job:run") == {
        "mine.job",
        "mine.helper",
        "mine.otherwise",
        "mine.late",
        "mine.deep.inner",
        "mine.deep.sibling",
        "mine.relative",
    }


def test_what_is_imported_for_type_checking_alone_does_not_count_but_its_alternative_does():
    assert reached("mine.helper") == {"mine.helper", "mine.otherwise"}


def test_a_name_from_a_door_leads_to_the_module_that_defines_it():
    assert reached("mine.through") == {"mine.through", "mine.door.second", "mine.lazy.first"}


@pytest.mark.parametrize("module", ["reads", "reads_by_module"])
def test_data_files_of_a_package_that_is_read_count(module):
    assert reached(f"mine.{module}") == {f"mine.{module}", "mine.data/a.yaml", "mine.data/more/b.txt"}


def test_modules_that_import_each_other_end():
    assert reached("mine.circle") == reached("mine.round") == {"mine.circle", "mine.round"}


@pytest.mark.parametrize("name", list(FILES))
def test_a_comment_changes_the_version_if_and_only_if_the_file_is_reached(package, name):
    targets = ["mine.job:run", "mine.reads"]
    before, files = code_version(targets), {path.resolve() for path in closure(targets).values()}
    path = package / name
    path.write_text(path.read_text() + "\n# a comment\n")
    forget()
    assert (code_version(targets) != before) == (path.resolve() in files)


def test_the_order_of_targets_does_not_matter_and_their_number_does():
    assert code_version(["mine.job", "mine.reads"]) == code_version(["mine.reads:text", "mine.job:run"])
    assert code_version(["mine.job", "mine.reads"]) != code_version(["mine.job"])


def test_a_package_of_somebody_else_brings_what_it_uses_of_ours(package):
    (package / "job.py").write_text("from gauger.store.canonical import fingerprint\n")
    files = closure(["mine.job:run"])
    assert {"mine.job", "gauger.store.canonical"} <= set(files)
    assert not [name for name in files if name.startswith("gauger.elicit")]


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(ModuleNotFoundError, match=r"mine\.nothing"):
        closure(["mine.nothing:run"])


def test_a_job_of_the_embedded_world_is_not_touched_by_the_pacing_of_requests_or_the_other_world():
    """The one hand-kept list of all files threw every stored result away for a comment in any of them."""
    files = set(closure(["gauger.jobs.models:pretrain"]))
    assert "gauger.jobs.models" in files
    assert "gauger.train.loop" in files
    apart = ("gauger.elicit.api", "gauger.worlds.atlas", "gauger.worlds.language", "gauger.report", "gauger.cli")
    assert not [name for name in files if name.startswith(apart)]
    assert not [name for name in files if name.startswith(("gauger.train.tiny", "gauger.train.hf"))]


def test_prompts_belong_to_the_code_of_who_asks():
    assert "gauger.elicit.strategies/templates/expand.yaml" in closure(["gauger.elicit.strategies.registry"])


def test_another_process_counts_the_same():
    code = "from gauger.execute.code import *; print(code_version(['gauger.jobs.models:pretrain']), package_version())"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert there == [code_version(["gauger.jobs.models:pretrain"]), package_version()]


def test_the_package_version_counts_every_file_of_ours():
    import gauger

    folder = Path(gauger.__file__).parent
    assert set(closure(["gauger.elicit.collect"]).values()) <= set(folder.rglob("*"))
    assert len(package_version()) == 16
