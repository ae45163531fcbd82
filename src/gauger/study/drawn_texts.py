"""Plans the texts that are drawn from models to be tested for a mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gauger.jobs import DrawTexts, MeasureModel
from gauger.study.makers import Made
from gauger.study.marks import MARK_TEXTS
from gauger.study.plan import seed_of

if TYPE_CHECKING:
    from gauger.study.planner import Planner


def drawn_texts(planner: Planner, arm: str, measuring: MeasureModel, model: Made) -> str | None:
    """Plan the texts of a model that is measured; returns their key, None where the arm is not tested for a mark.

    Parameters
    ----------
    planner : Planner
        At the arm and replicate.
    arm : str
        Its name.
    measuring : MeasureModel
        How the model is measured: students are asked alike, the teacher as a surface with the mark shows it.
    model : Made
        The model.
    """
    marked = planner.marked.get(arm)
    if marked is None:
        return None
    shown = marked.surface
    params = DrawTexts(
        world=planner.described,
        seed=seed_of(planner.study.seed, "draw"),
        asked=measuring.asked if shown is None else planner.behind(shown, "model"),
        engine=str(planner.teacher.engine),
        benchmarks=measuring.benchmarks,
        max_new_tokens=measuring.max_new_tokens,
        samples=MARK_TEXTS,
    )
    maker = planner.students if shown is None else planner.teachers
    inputs = {**model.inputs("model"), **planner.teacher.inputs("teacher"), **planner.defence_inputs(params.asked)}
    cost = 2 * maker.rows_of_loading + maker.rows_per_item * MARK_TEXTS
    return planner.job("draw-texts", "draw texts", params, inputs, cost)
