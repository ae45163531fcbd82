"""The dense arrays hold exactly what the rows say, in any order of rows."""

import numpy as np
import polars as pl
import pytest

from gauger.errors import InputError
from gauger.estimate.design import Design
from gauger.estimate.score_arrays import build_cube
from gauger.estimate.table import complete_table

from .studies import arm, small_design, small_records

ARMS = (arm("distilled", "distilled"), arm("matched", "matched"), arm("base", "base"))


def cube_of(rows, **design):
    columns = ["arm", "replicate", "benchmark", "item", "sample", "outcome", "score", "cluster", "role"]
    table = pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)
    study = Design(ARMS, **design)
    return build_cube(complete_table(table, study), study)


def row(arm="distilled", replicate=0, benchmark="quiz", item="a", score=1.0, **more):
    found = {"sample": 0, "outcome": "scored", "cluster": None, "role": None, **more}
    return (arm, replicate, benchmark, item, found["sample"], found["outcome"], score, found["cluster"], found["role"])


def test_every_score_stands_where_its_row_says():
    records, design = small_records(), small_design()
    cube = build_cube(complete_table(records.sample(fraction=1.0, shuffle=True, seed=3), design), design)
    for one in records.sample(200, seed=1).iter_rows(named=True):
        b = cube.benchmarks.index(one["benchmark"])
        block = cube.panel.scores[b]
        place = cube.arms.index(one["arm"]), one["replicate"], cube.items[b].index(one["item"])
        assert block[place] == one["score"]
    assert sum(np.isfinite(block).sum() for block in cube.panel.scores) == records.height


def test_samples_of_a_cell_are_averaged_and_failures_are_no_scores():
    cube = cube_of(
        [
            row(score=1.0, sample=0),
            row(score=0.0, sample=7),
            row(score=None, sample=2, outcome="failed"),
            row(item="b", score=None, outcome="refused"),
            row(arm="matched", item="b", score=0.25),
        ]
    )
    assert cube.items == (("a", "b"),)
    assert cube.panel.scores[0][0, 0, 0] == 0.5
    assert np.isnan(cube.panel.scores[0][0, 0, 1])
    assert np.isnan(cube.panel.scores[0][1, 0, 0])
    assert cube.panel.scores[0][1, 0, 1] == 0.25
    assert cube.present.tolist() == [[True], [True], [False]]


def test_the_order_of_samples_never_shows():
    rows = [row(sample=s, score=value) for s, value in enumerate([0.1, 0.2, 0.3, 1 / 3, 0.7])]
    forward, backward = cube_of(rows), cube_of(rows[::-1])
    assert forward.panel.scores[0][0, 0, 0] == backward.panel.scores[0][0, 0, 0]


@pytest.mark.parametrize("sample", [0, 1])
def test_two_rows_for_one_answer_are_refused(sample):
    with pytest.raises(InputError, match="several for item 'b'"):
        cube_of([row(), row(item="b"), row(item="b", score=0.5), row(sample=sample, replicate=1)])


def test_one_item_in_two_clusters_is_refused():
    with pytest.raises(InputError, match="one cluster per item"):
        cube_of([row(cluster="p"), row(arm="matched", cluster="q")])


def test_items_without_cluster_stand_alone_and_clusters_span_benchmarks():
    cube = cube_of([row(cluster="p"), row(item="b"), row(item="c", cluster="p"), row(benchmark="cloze", cluster="p")])
    quiz = cube.panel.units[cube.benchmarks.index("quiz")]
    cloze = cube.panel.units[cube.benchmarks.index("cloze")]
    assert quiz[0] == quiz[2] == cloze[0]
    assert quiz[1] != quiz[0]


def test_the_same_item_name_in_two_benchmarks_is_two_items():
    cube = cube_of([row(), row(benchmark="cloze")])
    assert cube.panel.units[0][0] != cube.panel.units[1][0]


def test_replicates_are_paired_by_number_and_a_single_one_with_nothing():
    rows = [row(arm=name, replicate=r) for name in ("distilled", "matched") for r in (0, 1)] + [row(arm="base")]
    paired = cube_of(rows).panel.replicates
    assert paired[0].tolist() == paired[1].tolist()
    assert paired[2][0] not in paired[:2]
    assert paired[2][1] == -1
    unpaired = cube_of(rows, paired=False).panel.replicates
    assert len(set(unpaired[unpaired >= 0].tolist())) == 5


def test_roles_come_from_the_design_first():
    cube = cube_of([row(role="near"), row(benchmark="other", role="far")], roles={"quiz": "targeted"})
    assert dict(zip(cube.benchmarks, cube.roles, strict=True)) == {"quiz": "targeted", "other": "far"}


def test_roles_that_contradict_or_are_unknown_are_refused():
    with pytest.raises(InputError, match="'far' and 'near'"):
        cube_of([row(role="near"), row(item="b", role="far")])
    with pytest.raises(InputError, match="Did you mean 'near'"):
        cube_of([row(role="neer")])
