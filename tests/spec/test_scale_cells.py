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
