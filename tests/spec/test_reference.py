from __future__ import annotations

from pathlib import Path

import pytest

from gauger.spec.__main__ import main
from gauger.spec.json_schema import render_json_schema
from gauger.spec.reference import render_key_table, replace_key_table
from gauger.spec.shape import study_shape
from gauger.spec.stages.base import SEEDS_OF_STRATEGY
from gauger.spec.yaml_tree import read_tree

from .study_files import FULL, PAGE
from .test_fingerprint import leaves


def test_the_page_is_in_step_with_the_schema() -> None:
    hint = "run: python -m gauger.spec studies/study.schema.json docs/study-file.md"
    assert replace_key_table(PAGE) == PAGE, hint


def test_every_key_stands_in_the_table() -> None:
    table = render_key_table()
    data = read_tree(FULL).data
    for path in leaves(data):
        if path[0] == "arms":
            own = str(path[-1]) if len(path) < 6 else f"{path[4]}.N.{path[-1]}"
            name = own if len(path) > 3 else f"arms.NAME.{path[-1]}"
        else:
            name = ".".join("NAME" if path[0] == "benchmarks" and i == 1 else str(key) for i, key in enumerate(path))
            name = name.removeprefix(f"{path[0]}.") if study_shape().properties[str(path[0])].kinds else name
        assert f"| `{name}` |" in table, name


def test_the_page_tells_which_seeds_go_with_which_strategy() -> None:
    for strategy, seeds in SEEDS_OF_STRATEGY.items():
        if strategy != "self":
            assert f"| `{strategy}` | {', '.join(f'`{seed}`' for seed in seeds)} |" in PAGE


def test_the_generated_files_are_written_in_place(tmp_path: Path) -> None:
    schema, page = tmp_path / "s.json", tmp_path / "p.md"
    page.write_text(PAGE.replace("`verdict.level`", "old"), "utf-8")
    main([str(schema), str(page)])
    assert schema.read_text("utf-8") == render_json_schema()
    assert page.read_text("utf-8") == PAGE


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the marks"):
        replace_key_table("# Another page")
