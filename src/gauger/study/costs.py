"""Says what jobs cost: tokens, weights, FLOPs, queries, money and time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

from gauger.elicit import strategy_of
from gauger.execute import Job
from gauger.jobs import Asked, AskTeacher, DrawPairs, MeasureModel, Pretrain, TrainOnPolicy, Trains
from gauger.spec import LEAKY_TEACHER, TEACHER, SpecPart
from gauger.stats import FLOPS_PER_PARAMETER_AND_TOKEN
from gauger.study.makers import MAKERS, Maker
from gauger.study.plan import SAMPLED, Plan
from gauger.worlds import World

CHARACTERS_PER_TOKEN = 3.0
"""Of short questions and numbers; prose has more."""
MARKS = 2


class Costs:
    """Costs of the jobs of one study's plan."""

    def __init__(self, plan: Plan, world: World) -> None:
        self.plan, self.world, study = plan, world, plan.study
        self.teacher: Maker = MAKERS.load(study.teacher.kind)(study.teacher, plan.folder)
        self.student: Maker = MAKERS.load(study.student.kind)(study.student, plan.folder)

    def _record(self, job: Job) -> SpecPart:
        return self.plan.parameters[job.key]

    def trains(self, job: Job) -> bool:
        """Whether a job trains."""
        return isinstance(self._record(job), Trains)

    @cached_property
    def row_tokens(self) -> float:
        """Mean tokens of a row that a student learns."""
        return self._mean_tokens([text.text for text in self.world.web] if self.world.vocabulary else [])

    @cached_property
    def library_tokens(self) -> float:
        """Mean tokens of a row that a teacher learns from scratch."""
        return self._mean_tokens([text.text for text in self.world.library])

    def _mean_tokens(self, texts: list[str]) -> float:
        names = self.plan.study.benchmarks
        chosen = texts or [item.prompt + item.answer for name in names for item in self.world.benchmark(name).items]
        return sum(self._tokens_of(text) for text in chosen) / len(chosen)

    def _tokens_of(self, text: str) -> float:
        return len(text.split()) + MARKS if self.world.vocabulary else len(text) / CHARACTERS_PER_TOKEN + 1

    def tokens(self, job: Job) -> int:
        """Tokens that a training job reads, repeats included: steps x batch x mean length of a row."""
        record = self._record(job)
        if not isinstance(record, Trains):
            return 0
        reads_library = isinstance(record, Pretrain) and record.text == "library"
        return round(record.steps * record.batch * (self.library_tokens if reads_library else self.row_tokens))

    def maker(self, job: Job) -> Maker:
        """Return what plans the model that a job trains or asks: the teacher's or the student's."""
        is_teachers = job.arm in (TEACHER, LEAKY_TEACHER) or isinstance(self._record(job), AskTeacher)
        return self.teacher if is_teachers else self.student

    def parameters(self, job: Job) -> int:
        """Weights of the model that a job trains or asks."""
        record = self._record(job)
        size = record.size if isinstance(record, Pretrain) else None
        own = self.maker(job).parameters(size, self.world)
        return own or self.student.parameters(None, self.world)

    def flops(self, job: Job) -> float:
        """6 x parameters x tokens, repeats included."""
        return FLOPS_PER_PARAMETER_AND_TOKEN * self.parameters(job) * self.tokens(job)

    def asks(self, job: Job) -> bool:
        """Whether a job asks the teacher anything: for text, to judge, to score, or over an interface to measure it."""
        named = any(getattr(asked, "name", None) == TEACHER for asked in vars(self._record(job)).values())
        return named or self.measures_elsewhere(job)

    def measures_elsewhere(self, job: Job) -> bool:
        """Whether a job measures a teacher that is no model at hand: every item is a query then."""
        record = self._record(job)
        return isinstance(record, MeasureModel) and record.asked.engine is None

    def queries(self, job: Job) -> int:
        """Requests of a job that asks the teacher, at least; an arm's never above the surface's budget."""
        record = self._record(job)
        if isinstance(record, MeasureModel):
            items = sum(len(self.world.benchmark(name).items) for name in record.benchmarks)
            return items * record.samples if self.measures_elsewhere(job) else 0
        if isinstance(record, TrainOnPolicy):  # all samples but the kept-in share are scored
            count = record.steps * (record.batch - round(record.web_share * record.batch))
        elif isinstance(record, AskTeacher):
            count = self._asked_for(record)
        elif isinstance(record, DrawPairs):
            count = self._prompts_of(self.plan.jobs[job.inputs["questions"]])
        else:
            return 0
        limit = self._limit(record)
        return count if limit is None else min(count, limit)

    def most(self, jobs: Iterable[Job], budget: str) -> float | None:
        """Add up what the jobs that ask the teacher may spend at most; None where one of them has no limit.

        Measuring a teacher behind an interface is under the budget in money alone.
        """
        total = 0.0
        for job in jobs:
            if not self.asks(job) or (self.measures_elsewhere(job) and budget != "max_usd"):
                continue
            limits = [getattr(asked.surface, budget) for asked in self._asked(job)]
            if not limits or None in limits:
                return None
            total += sum(limits)
        return total

    def _asked(self, job: Job) -> list[Asked]:
        """Return who is asked as the teacher by a job."""
        asked = (value for value in vars(self._record(job)).values() if isinstance(value, Asked))
        return [value for value in asked if value.name == TEACHER or self.measures_elsewhere(job)]

    def _limit(self, record: SpecPart) -> int | None:
        """Return the budget in queries of the surface that a job asks the teacher through."""
        asked = [value for value in vars(record).values() if isinstance(value, Asked) and value.name == TEACHER]
        return asked[0].surface.max_queries if asked else None

    def _asked_for(self, record: AskTeacher) -> int:
        """One per sample, and one more where the teacher writes the prompt."""
        if strategy_of(record.strategy).in_form:
            return min(record.samples, self._distinct(record.seeds, record.skills, record.forms))
        writes_prompts = record.strategy in SAMPLED and not self.world.topics(record.skills)
        return record.samples * (2 if writes_prompts or record.strategy != "textbook" else 1)

    def _prompts_of(self, job: Job) -> int:
        record = self._record(job)
        seeds, skills, forms = (getattr(record, name) for name in ("seeds", "skills", "forms"))
        count = self._distinct(seeds, skills, forms)
        samples: int | None = getattr(record, "samples", None)
        return count if samples is None else min(samples, count)

    def _distinct(self, seeds: str, skills: tuple[str, ...], forms: tuple[str, ...]) -> int:
        asked = [question for skill in skills for question in self.world.questions_from(seeds, skill)]
        return len({prompt for question in asked for prompt in self.world.prompts(question, forms)})

    def usd(self, job: Job) -> float:
        """Queries x (tokens of a row in, most tokens out), at the study's prices; 0 where it states none."""
        study = self.plan.study
        return self._usd(job, study.teacher.answer_limit or study.decoding.max_new_tokens, max)

    def usd_least(self, job: Job) -> float:
        """Return the same for answers of one token, at the cheapest price that may apply to each."""
        return self._usd(job, 1, min)

    def _usd(self, job: Job, tokens_out: int, choose: Callable[[Iterable[float]], float]) -> float:
        teacher = self.plan.study.teacher
        if not teacher.costs_money:
            return 0.0
        kinds = (("in", "cached"), ("out", "reasoning"))
        known = [[getattr(teacher, f"usd_per_million_{name}", None) for name in names] for names in kinds]
        price_in, price_out = (
            choose(price for price in prices if price is not None) if prices[0] else 0.0 for prices in known
        )
        return self.queries(job) * (self.row_tokens * price_in + tokens_out * price_out) * teacher.price_share / 1e6

    def seconds_per_row(self, job: Job) -> float:
        """Seconds of one unit of a job's cost."""
        return self.student.seconds_per_row(self.parameters(job), self.row_tokens)


def training_flops(plan: Plan, world: World) -> dict[str, float]:
    """Return the FLOPs of every training job of a plan, by key."""
    costs = Costs(plan, world)
    return {job.key: costs.flops(job) for job in plan.jobs.values() if costs.trains(job)}
