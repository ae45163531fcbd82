"""lm-eval as evaluator: its own decoding, its own logs, our items, both readings and our verifier.

Nothing is fetched: the task is made here from the benchmark's items, and the model is the object that is given. What
lm-eval writes is read back by the importer that reads anybody's logs of it, so that the records come the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from gauger.errors import GaugerError, MissingExtraError, UserError
from gauger.measure.answers import METRIC, Decoding, Verifier
from gauger.measure.evaluators.reading import read_records
from gauger.measure.extraction import FLEXIBLE, STRICT, read
from gauger.measure.importers.lm_eval import read_lm_eval
from gauger.measure.importers.lm_eval_lines import NO_ANSWER
from gauger.measure.importers.log import Measure
from gauger.worlds.language.forms import FORMS
from gauger.worlds.language.items import TextBenchmark, TextItem
from gauger.worlds.language.sources import VerifierError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Doc = Mapping[str, Any]


def evaluate_with_lm_eval(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    benchmarks: Sequence[TextBenchmark],
    decoding: Decoding,
    verifier: Verifier,
    out: Path,
) -> pl.DataFrame:
    """Measure a model with lm-eval; records as `language.measure` gives them, logs in `out`.

    Parameters
    ----------
    model, tokenizer
        Objects, so that nothing is looked up anywhere.
    benchmarks : sequence of TextBenchmark
    decoding : Decoding
        Greedy, one sample: lm-eval's filters keep one response per item.
    verifier : Verifier
        The world that the benchmarks are from.
    out : Path
        A directory without logs of lm-eval in it.

    Raises
    ------
    UserError
        Sampled decoding.
    MissingExtraError
        lm-eval is not installed.
    """
    if decoding.temperature > 0:
        hint = "Use Gauger's own measurement, or Inspect, for drawn answers."
        raise UserError("greedy decoding with lm-eval", f"temperature {decoding.temperature:g}", hint=hint)
    _run(model, tokenizer, [_task(b, decoding, verifier) for b in benchmarks], out)
    return pl.concat([_read(out, benchmark) for benchmark in benchmarks])


def _run(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, tasks: list[Any], out: Path) -> None:
    try:
        from lm_eval import simple_evaluate  # type: ignore[import-untyped]
        from lm_eval.loggers import EvaluationTracker  # type: ignore[import-untyped]
        from lm_eval.models.huggingface import HFLM  # type: ignore[import-untyped]
        from lm_eval.tasks import TaskManager  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError("lm-eval as evaluator", "eval") from None
    tracker = EvaluationTracker(output_path=str(out))
    results = simple_evaluate(
        model=HFLM(pretrained=model, tokenizer=tokenizer, batch_size=32),
        tasks=tasks,
        task_manager=TaskManager(include_defaults=False),
        evaluation_tracker=tracker,
        bootstrap_iters=0,
        log_samples=True,
        verbosity="ERROR",
    )
    if results is None:
        raise GaugerError("lm-eval gave no results")
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for name, found in samples.items():
        tracker.save_results_samples(task_name=name, samples=found)


def _task(benchmark: TextBenchmark, decoding: Decoding, verifier: Verifier) -> Any:
    """Make lm-eval's task of a benchmark."""
    try:
        from lm_eval.api.task import ConfigurableTask  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError("lm-eval as evaluator", "eval") from None
    items = {item.id: item for item in benchmark.items}
    config = {
        "task": benchmark.name,
        "custom_dataset": lambda **_: _dataset(benchmark),
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "prompt",
        "doc_to_target": "answer",
        "target_delimiter": "",
        "generation_kwargs": {
            "until": list(FORMS[benchmark.form].stops),
            "max_gen_toks": decoding.max_new_tokens,
            "do_sample": False,
        },
        "filter_list": [_filter(reading, items, benchmark.form) for reading in (STRICT, FLEXIBLE)],
        "process_results": lambda doc, results: {METRIC: _score(items[doc["id"]], results[0], verifier)},
        "metric_list": [{"metric": METRIC, "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1},
    }
    return ConfigurableTask(config=config)


def _dataset(benchmark: TextBenchmark) -> Any:
    from datasets import Dataset, DatasetDict  # type: ignore[import-untyped]

    rows = [{"id": item.id, "prompt": item.prompt, "answer": item.answer} for item in benchmark.items]
    return DatasetDict({"test": Dataset.from_list(rows)})


def _filter(reading: str, items: Mapping[str, TextItem], form: str) -> dict[str, Any]:
    def apply(responses: Sequence[Sequence[str]], docs: Sequence[Doc]) -> list[str]:
        pairs = zip(responses, docs, strict=True)
        return [read(reading, said[0], items[doc["id"]].question, form) or NO_ANSWER for said, doc in pairs]

    return {"name": reading, "filter": [{"function": "custom", "filter_fn": apply}]}


def _score(item: TextItem, answer: str, verifier: Verifier) -> float:
    """Score one extracted answer.

    What could not be read counts 0 here, as lm-eval does, and is told apart by the importer; so is NaN, where the
    verifier broke.
    """
    try:
        return 0.0 if answer == NO_ANSWER else verifier.verify(item.question, answer)
    except VerifierError:
        return nan


def _read(out: Path, benchmark: TextBenchmark) -> pl.DataFrame:
    paths = sorted(out.rglob(f"samples_{benchmark.name}_*.jsonl"))
    if len(paths) != 1:
        raise GaugerError(f"lm-eval left {len(paths)} logs of {benchmark.name} in {out} instead of one")
    measures = {name: Measure(name, METRIC) for name in (STRICT, FLEXIBLE)}
    return read_records(
        read_lm_eval(paths[0]), benchmark, lambda label: benchmark.items[int(label.removeprefix("doc "))], measures
    )
