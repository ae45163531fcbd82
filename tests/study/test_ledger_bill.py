"""What asking cost stands in the ledger's rows per replicate, as a range where the provider did not say all of it."""

import polars as pl
import pytest

from gauger.elicit.sample_rows import LEDGER
from gauger.records import ArmInfo, ArmKind
from gauger.spec import Arm
from gauger.store import write_parquet
from gauger.study.description import arm_infos
from gauger.study.ledger import ledger_rows
from gauger.study.results import CORPUS, RECORDS, TRAINING, Collected
from gauger.study.run_ledger import run_ledger


def row(replicate=0, arm="label", **more):
    plain = {"source": "teacher", "teacher": "m", "queries": 1, "length": 5, "overlaps": [], "id": "a", "arm": arm}
    exact = {"tokens_in": 10, "tokens_out": 20, "cost_usd": 0.5}
    return (
        plain
        | exact
        | {f"{name}_most": None for name in ("tokens_in", "tokens_out")}
        | {"stage": 0, "replicate": replicate, **more}
    )


@pytest.fixture
def rows_of(tmp_path):
    """Rows of ledgers, a corpus for each replicate -> the rows of the document."""

    def summed(*ledger):
        cells = {(one["arm"], one["replicate"], 0, f"corpus {one['replicate']}"): one["replicate"] for one in ledger}
        files = {}
        for *_, corpus in cells:
            own = [one for one in ledger if corpus == f"corpus {one['replicate']}"]
            files[corpus] = tmp_path / f"{corpus}.parquet"
            write_parquet(
                files[corpus], pl.DataFrame([{name: one.get(name) for name in LEDGER} for one in own], LEDGER)
            )
        trained = [(arm, replicate, 0, CORPUS, 5.0, 5.0) for arm, replicate, *_ in cells]
        training = pl.DataFrame(trained, TRAINING, orient="row")
        ledgers = run_ledger(list(cells), files)
        return ledger_rows(Collected(pl.DataFrame(schema=RECORDS), ledgers, training, (), ()))

    return summed


def test_a_bill_that_is_stated_is_one_amount_and_the_mean_over_replicates(rows_of):
    (found,) = rows_of(row(0), row(0, cost_usd=1.5), row(1, cost_usd=2.0))
    assert (found["usd_low"], found["usd_high"]) == (2.0, 2.0)  # (0.5 + 1.5 + 2.0) / 2
    assert (found["teacher_tokens_in"], found["teacher_tokens_out"], found["queries"]) == (15, 30, 2)


def test_what_is_not_stated_makes_a_range_and_tokens_at_its_middle(rows_of):
    silent = {"tokens_in": None, "tokens_out": None, "cost_usd": None}
    most = {"tokens_in_most": 100, "tokens_out_most": 40, "cost_most_usd": 4.0}
    lost = {"queries": 2, "tokens_in_most": 110, "tokens_out_most": 60, "cost_most_usd": 4.5}
    (found,) = rows_of(row(**silent, **most), row(**lost))
    assert (found["usd_low"], found["usd_high"]) == (0.5, 8.5)
    # tokens in: 0 to 100, and 10 to 110; tokens out: 0 to 40, and 20 to 60
    assert (found["teacher_tokens_in"], found["teacher_tokens_out"]) == (50 + 60, 20 + 40)


@pytest.mark.parametrize("more", [{"cost_usd": None}, {"cost_usd": None, "teacher": None, "queries": 0}])
def test_without_a_price_or_a_query_there_is_no_bill(rows_of, more):
    (found,) = rows_of(row(**more))
    assert (found["usd_low"], found["usd_high"]) == (None, None)


def test_one_row_without_a_price_leaves_no_sum(rows_of):
    (found,) = rows_of(row(), row(cost_usd=None))
    assert (found["usd_low"], found["usd_high"]) == (None, None)


def test_an_arm_costs_the_middle_of_its_range():
    class Asking(Arm):
        """An arm whose recipe does not matter here."""

        uses_teacher = True

    given = {
        "queries": 3,
        "tokens": 1,
        "unique_tokens": 1,
        "teacher_tokens_out": 1,
        "arm": "label",
        "source": "teacher",
    }
    ledger = [
        {**given, "usd_low": 1.0, "usd_high": 3.0},
        {**given, "usd_low": 0.5, "usd_high": 0.5},
        {**given, "queries": 0, "usd_low": None, "usd_high": None},
    ]
    arm = Asking("label", ArmKind.DISTILLED, "base", (), (), "An arm.")
    *_, info = arm_infos([arm], ledger)
    assert isinstance(info, ArmInfo)
    assert (info.usd, info.usd_low, info.usd_high) == (2.5, 1.5, 3.5)
