"""Inspect as evaluator: its own runner and logs, a local decoder as its model, our items, readings and verifier.

Inspect counts tokens with a tokenizer that it downloads; the provider here takes the decoder's own counts, so that
nothing is fetched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from gauger.errors import GaugerError, MissingExtraError
from gauger.measure.answers import Decoding, Verifier, sample_seed
from gauger.measure.decoder import Decoder
from gauger.measure.evaluators.reading import read_records
from gauger.measure.extraction import FLEXIBLE, STRICT, read
from gauger.measure.importers.inspect_log import read_inspect
from gauger.measure.importers.log import Measure
from gauger.worlds.language.forms import FORMS
from gauger.worlds.language.items import TextBenchmark, TextItem

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.model import Model
    from inspect_ai.scorer import Scorer


def evaluate_with_inspect(
    decoder: Decoder, benchmarks: Sequence[TextBenchmark], decoding: Decoding, verifier: Verifier, out: Path
) -> pl.DataFrame:
    """Measure a model with Inspect; records as `language.measure` gives them, logs in `out`.

    Inspect asks one prompt at a time, so this is slower than `language.measure` by about what batching gains.

    Parameters
    ----------
    decoder : Decoder
        The model.
    benchmarks : sequence of TextBenchmark
    decoding : Decoding
        Samples are Inspect's epochs.
    verifier : Verifier
        The world that the benchmarks are from.
    out : Path
        Where the logs go, one `.eval` a benchmark.

    Raises
    ------
    MissingExtraError
        Inspect is not installed.
    GaugerError
        Where Inspect does not come to an end.
    """
    return pl.concat([_evaluate(decoder, benchmark, decoding, verifier, out) for benchmark in benchmarks])


def _evaluate(
    decoder: Decoder, benchmark: TextBenchmark, decoding: Decoding, verifier: Verifier, out: Path
) -> pl.DataFrame:
    try:
        from inspect_ai import eval as run
    except ImportError:
        raise MissingExtraError("Inspect as evaluator", "eval") from None
    (log,) = run(
        _task(benchmark, verifier),
        model=_model(decoder, benchmark, decoding),
        epochs=decoding.samples,
        log_dir=str(out),
        log_format="eval",
        display="none",
        max_connections=1,
        fail_on_error=False,
    )
    if log.status != "success":
        raise GaugerError(f"Inspect ended with {log.status} on {benchmark.name}: {log.error and log.error.message}")
    errors = [sample.error.message for sample in log.samples or [] if sample.error is not None]
    if len(errors) == len(benchmark.items) * decoding.samples:
        raise GaugerError(f"Inspect could not ask one item of {benchmark.name}: {errors[0]}")
    by_label = {f"sample {item.id}": item for item in benchmark.items}
    measures = {name: Measure("", name) for name in (STRICT, FLEXIBLE)}
    return read_records(read_inspect(Path(log.location)), benchmark, by_label.__getitem__, measures)


def _task(benchmark: TextBenchmark, verifier: Verifier) -> Task:
    from inspect_ai import Task
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.solver import generate

    items = {item.id: item for item in benchmark.items}
    samples = [Sample(id=item.id, input=item.prompt, target=item.question.answer) for item in benchmark.items]
    scorers = [_scorer(reading, items, benchmark.form, verifier) for reading in (STRICT, FLEXIBLE)]
    dataset = MemoryDataset(samples, name=benchmark.name)
    return Task(dataset=dataset, solver=generate(), scorer=scorers, name=benchmark.name, version=1)


def _scorer(reading: str, items: Mapping[str, TextItem], form: str, verifier: Verifier) -> Scorer:
    from inspect_ai.scorer import NOANSWER, Score, Target, mean, scorer
    from inspect_ai.solver import TaskState

    @scorer(metrics=[mean()], name=reading)
    def made() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001 - Inspect's signature
            item = items[str(state.sample_id)]
            answer = read(reading, state.output.completion, item.question, form)
            if answer is None:
                return Score(value=NOANSWER)
            return Score(value=verifier.verify(item.question, answer), answer=answer)

        return score

    return made()


def _model(decoder: Decoder, benchmark: TextBenchmark, decoding: Decoding) -> Model:
    """Make a model of Inspect's that asks the decoder; the nth time a prompt is asked is its nth sample."""
    from inspect_ai.model import (
        ChatMessage,
        GenerateConfig,
        Model,
        ModelAPI,
        ModelOutput,
        ModelUsage,
        modelapi,
    )
    from inspect_ai.tool import ToolChoice, ToolInfo

    asked: Counter[str] = Counter()
    stops = FORMS[benchmark.form].stops

    class Local(ModelAPI):
        async def generate(
            self,
            input: list[ChatMessage],
            tools: list[ToolInfo],  # noqa: ARG002 - Inspect's signature
            tool_choice: ToolChoice,  # noqa: ARG002
            config: GenerateConfig,  # noqa: ARG002
        ) -> ModelOutput:
            prompt = input[-1].text
            seed = sample_seed(decoding.seed, benchmark.name, asked[prompt])
            asked[prompt] += 1
            (said,) = decoder.complete([prompt], decoding.max_new_tokens, decoding.temperature, seed, stops)
            output = ModelOutput.from_content(
                self.model_name, said.text, stop_reason="stop" if said.ended else "max_tokens"
            )
            n_in, n_out = said.tokens_in, said.tokens_out
            output.usage = ModelUsage(input_tokens=n_in, output_tokens=n_out, total_tokens=n_in + n_out)
            return output

    config = GenerateConfig(max_tokens=decoding.max_new_tokens, temperature=decoding.temperature, seed=decoding.seed)
    return Model(modelapi(name="local")(Local)("model"), config)
