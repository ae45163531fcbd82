"""The cells of a scale: who is trained with whom, on how much, and what is shared."""

from pathlib import Path

import pytest

from gauger.errors import StudyError
from gauger.records import ArmKind
from gauger.spec import load_study, scale_cells
from gauger.spec.scaled_cells import grown

STUDIES = Path(__file__).parents[2] / "studies"


@pytest.fixture(scope="module")
def study():
    return load_study(STUDIES / "scaling.yaml").study


def test_every_student_meets_every_budget_without_and_with_every_teacher(study):
    cells = scale_cells(study)
    of_kind = {kind: [cell for cell in cells if cell.kind is kind] for kind in ArmKind}
    sizes, budgets, teachers = 4, 4, 2
    assert len(of_kind[ArmKind.TEACHER]) == teachers
    assert len(of_kind[ArmKind.BASE]) == sizes
    assert len(of_kind[ArmKind.MATCHED]) == sizes * budgets
    assert len(of_kind[ArmKind.DISTILLED]) == sizes * budgets * teachers
    assert len({cell.name for cell in cells}) == len(cells)
    controls = {cell.name: cell for cell in of_kind[ArmKind.MATCHED]}
    for cell in of_kind[ArmKind.DISTILLED]:
        control = controls[cell.matched]
        assert (control.student, control.base_steps, control.budget) == (cell.student, cell.base_steps, cell.budget)
        assert [s.steps for s in control.recipe] == [s.steps for s in cell.recipe]
        assert not any(s.source == "teacher" for s in control.recipe)


def test_a_budget_multiplies_steps_and_samples_and_nothing_else(study):
    cells = {cell.budget: cell for cell in scale_cells(study) if cell.kind is ArmKind.DISTILLED}
    stage = cells[1.0].recipe[0]
    half = cells[0.5].recipe[0]
    assert (half.steps, half.samples) == (round(stage.steps / 2), round(stage.samples / 2))
    assert grown(cells[0.5].recipe, 2.0)[0].batch == stage.batch == half.batch
    assert grown(cells[1.0].recipe, 1e-9)[0].steps == 1


MIXTURE = (
    "arms.seedless.stages=[{kind: mixture, steps: 8, batch: 16, sources: [{source: web}, {source: teacher, "
    "strategy: seedless, seeds: seedless, forms: [quiz], samples: 64, tokens: 1000}]}]"
)


def test_a_budget_multiplies_what_a_mixture_asks_for_and_learns_of_each_source():
    study = load_study(STUDIES / "scaling.yaml", (MIXTURE,)).study
    for cell in scale_cells(study):
        for stage in cell.recipe:
            web, asked = stage.parts
            assert (web.stage.samples, web.tokens) == (None, None)
            assert asked.stage.samples == 64 * cell.budget
            assert asked.tokens == 1000 * cell.budget
            assert stage.steps == web.stage.steps == asked.stage.steps == 8 * cell.budget
    assert grown(cell.recipe, 1e-9)[0].parts[1].tokens == 1


def test_students_that_differ_in_heads_alone_have_cells_of_their_own():
    sizes = "[{width: 24, layers: 2, heads: 2}, {width: 24, layers: 2, heads: 4}, {width: 32, layers: 2, heads: 4}]"
    cells = scale_cells(load_study(STUDIES / "scaling.yaml", (f"scale.students={sizes}",)).study)
    assert len({cell.name for cell in cells}) == len(cells)
    bases = {cell.name: cell.size for cell in cells if cell.kind is ArmKind.BASE}
    assert bases == {
        "scale:base:w24x2h2:b600": "24 x 2, 2 heads",
        "scale:base:w24x2h4:b600": "24 x 2, 4 heads",
        "scale:base:w32x2:b600": "32 x 2",
    }


def test_budgets_that_agree_to_six_digits_have_cells_of_their_own():
    cells = scale_cells(load_study(STUDIES / "scaling.yaml", ("scale.budgets=[1, 1.00000001]",)).study)
    assert len({cell.name for cell in cells}) == len(cells)
    assert "scale:control:w24x2:b600:1" in {cell.name for cell in cells}


def test_a_budget_leaves_a_step_for_every_round():
    stage = (
        "{kind: preference-distill, strategy: seedless, seeds: seedless, forms: [quiz], samples: 40, steps: 4,"
        " batch: 64, rounds: 4}"
    )
    overrides = (f"arms.seedless.stages=[{stage}]", "scale.budgets=[1, 2]")
    assert load_study(STUDIES / "scaling.yaml", overrides)
    with pytest.raises(StudyError) as caught:
        load_study(STUDIES / "scaling.yaml", (*overrides, "scale.budgets=[1, 0.5]"))
    assert "scale.budgets: expected budgets that every stage can be run with" in str(caught.value)
    assert "arms.seedless.stages.0.rounds wants at most as many as steps (2), got 0.5, and 4" in str(caught.value)


def test_without_a_scale_there_are_no_cells():
    assert scale_cells(load_study(STUDIES / "quickstart.yaml").study) == ()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("scale.arm=nobody", "scale.arm: expected a declared arm, got 'nobody'"),
        ("scale.role=parallel", None),
        ("scale.budgets=[1, 1]", "scale.budgets: expected different values, got one of them twice"),
        ("scale.students.0.width=25", "scale.students.0.width: expected a multiple of heads (2), got 25"),
        ("controls.matched.off=Not wanted.", "for scale"),
    ],
)
def test_mistakes_are_named(override, message):
    if message is None:
        assert load_study(STUDIES / "scaling.yaml", (override,)).study.scale.role == "parallel"
        return
    with pytest.raises(StudyError) as caught:
        load_study(STUDIES / "scaling.yaml", (override,))
    assert message in str(caught.value)
