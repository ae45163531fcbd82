"""Plans what stages train on: texts that somebody is asked for, or nobody, questions, pairs and mixtures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gauger.elicit import decides_queries, reads_proxy, strategy_of
from gauger.errors import Place, UserError
from gauger.jobs import parameters as p
from gauger.records import Role
from gauger.spec import (
    BASE,
    TEACHER,
    Recipe,
    ResolvedStage,
    SpecPart,
    Study,
    Surface,
    TextSource,
    expand_arms,
    kind_of,
    scale_cells,
)
from gauger.store import fingerprint
from gauger.study.makers import MAKERS, Made, Maker
from gauger.study.plan import SAMPLED, Plan, seed_of
from gauger.study.shared_budgets import share_of
from gauger.worlds import World, describe_world

_WITH_ITEMS = (TextSource.TEST_ITEMS, TextSource.UNTESTED_ITEMS)
_JUDGES = (TextSource.TEACHER, TextSource.SELF, TextSource.TRUTH)
SHOWS_ALL = Surface(log_probabilities="full")
"""What the student's own base shows, and whoever is measured: everything, without a budget."""


class StageCorpora(ABC):
    """What a planner knows of its study, and how it plans what each stage trains on.

    Parameters
    ----------
    study : Study
        A checked study.
    world : World
        Its world.
    folder : Path
        Where the study file lies; its paths are relative to it.
    """

    def __init__(self, study: Study, world: World, folder: Path) -> None:
        self.study, self.world, self.folder = study, world, folder
        self.described = describe_world(study.world, folder)
        self.targeted = [name for name, b in study.benchmarks.items() if b.role is Role.TARGETED]
        listed = world.listed()
        self.skills = tuple(dict.fromkeys(listed[name].skill for name in self.targeted))
        self.result = Plan(study, folder, expand_arms(study), scale_cells(study))
        self.recipes = {arm.name: arm.recipe for arm in self.result.arms}
        self.teachers: Maker = MAKERS.load(study.teacher.kind)(study.teacher, folder)
        self.students: Maker = MAKERS.load(study.student.kind)(study.student, folder)
        self.answer_tokens = world.answer_tokens or study.decoding.max_new_tokens
        self.teacher_tokens = world.answer_tokens or study.teacher.answer_limit or self.answer_tokens
        self.drawn: Counter[str] = Counter()
        self.surface = study.teacher.surface

    teacher: Made
    """The teacher that is asked now; a scale has several."""
    surface: Surface
    """What it shows now, with the budgets of a whole arm; defences change it."""
    samples_asked: int
    """Among so many samples these budgets are divided."""
    base: Made
    """The base that stages start from now."""

    @abstractmethod
    def helper(self, surface: Surface) -> Made:
        """Plan the model that does the work of a surface's defence."""

    @abstractmethod
    def job(self, kind: str, what: str, params: SpecPart, inputs: Mapping[str, str], cost: float) -> str:
        """Add a job of the current arm and replicate; returns its key."""

    # --- corpora ----------------------------------------------------------------------------------------------------

    def corpus(self, stage: ResolvedStage, copied: ResolvedStage, replicate: int, start: Made) -> str:
        """Plan what a stage trains on.

        Parameters
        ----------
        copied : ResolvedStage
            The stage of which it is a control, whose prompts it then shares; else the stage itself.
        start : Made
            The model that will be trained on it, for stages in which that model writes.
        """
        planned = {"questions": self._questions, "texts": self._texts, "pairs": self._pairs, "blend": self._blend}
        return planned[kind_of(stage).corpus](stage, copied, replicate, start)

    def _texts(self, stage: ResolvedStage, copied: ResolvedStage, replicate: int, start: Made) -> str:
        if stage.source is TextSource.TEACHER:
            return self._ask_teacher(stage, replicate)
        if stage.source is TextSource.SELF:
            # filters of an arm that the base teaches are of the base's answers, and choose no prompts by the teacher's
            asked = replace(copied, filters=()) if stage.filters else copied
            return self._ask_base(stage, self._ask_teacher(asked, replicate), replicate)
        if stage.source is TextSource.TRUTH and stage.strategy and kind_of(copied).student_writes:
            return self._gather(stage, {"prompts": self._questions(copied, copied, replicate, start)}, "all")
        if stage.source in _WITH_ITEMS or (stage.source is TextSource.TRUTH and stage.strategy):
            return self._gather(stage, {"prompts": self._ask_teacher(copied, replicate)}, "all")
        if stage.in_place_of is not None:
            base = {} if self.world.vocabulary else self.base.inputs("base")
            paired = self._ask_teacher(stage.in_place_of, replicate)
            return self._gather(stage, {**base, "paired": paired}, replicate)
        return self._gather(stage, {}, replicate)

    def _afresh(self, what: str, params: p.InWorld, inputs: Mapping[str, str]) -> int:
        """Return the seed of a draw; what an arm has drawn before gets another: its second equal stage is to be new.

        The first keeps its seed, and so its address. A control passes through the same stages as the arm it copies, in
        the same order (`what` names whose they are there), so that it shares all of that arm's prompts.
        """
        key = fingerprint({"what": what, "params": params.model_dump(mode="json"), "inputs": dict(inputs)})
        times, self.drawn[key] = self.drawn[key], self.drawn[key] + 1
        return seed_of(params.seed, "again", times) if times else params.seed

    def _ask_teacher(self, stage: ResolvedStage, replicate: int) -> str:
        params = p.AskTeacher(
            world=self.described,
            seed=seed_of(self.study.seed, "ask", replicate if stage.strategy in SAMPLED else "all"),
            asked=self._teacher(stage),
            strategy=str(stage.strategy),
            forms=stage.forms or (),
            samples=stage.samples or 0,
            skills=self.skills,
            seeds=str(stage.seeds),
            answer_tokens=self.teacher_tokens,
            soft=kind_of(stage).soft,
            top_k=stage.settings.get("top_k"),
            filters=stage.filters,
        )
        inputs = {**self.teacher.inputs("teacher"), **self.defence_inputs(params.asked)}
        if strategy_of(params.strategy).needs_student:
            steps = {"reasoning": "shown"} if self.world.writes_steps else {}
            helper = self.students.asked(BASE, SHOWS_ALL.model_copy(update=steps), self.world)
            params = params.model_copy(update={"student": helper})
            inputs |= self.base.inputs("student")
        seed = self._afresh(f"ask-teacher for {stage.source}", params, inputs)
        params = params.model_copy(update={"seed": seed})
        cost = self.teachers.rows_of_loading + (stage.samples or 0) * self.teachers.rows_per_sample
        return self.job("ask-teacher", "ask the teacher", params, inputs, cost)

    def _ask_base(self, stage: ResolvedStage, prompts: str, replicate: int) -> str:
        params = p.AskBase(
            world=self.described,
            seed=seed_of(self.study.seed, "self", replicate if stage.strategy in SAMPLED else "all"),
            asked=self._own(),
            strategy=str(stage.strategy),
            forms=stage.forms or (),
            answer_tokens=self.answer_tokens,
            soft=kind_of(stage).soft,
            top_k=stage.settings.get("top_k"),
            filters=stage.filters,
        )
        inputs = {**self.base.inputs("base"), "prompts": prompts}
        cost = self.students.rows_of_loading + (stage.samples or 0) * self.students.rows_per_sample
        return self.job("ask-base", "ask the base", params, inputs, cost)

    def _gather(self, stage: ResolvedStage, inputs: dict[str, str], drawn: int | str) -> str:
        """Plan a corpus that the teacher did not write; only what its source reads enters its address."""
        source = stage.source
        params = p.Gather(
            world=self.described,
            seed=seed_of(self.study.seed, "gather", drawn),
            source=str(source),
            whole=stage.kind == "continue",
            strategy=stage.strategy,
            forms=stage.forms or (),
            samples=stage.samples or stage.steps * stage.batch,
            skills=self._skills_of(source),
            benchmarks=tuple(self.targeted) if source in _WITH_ITEMS else (),
            asked=self._own() if "base" in inputs else None,
        )
        params = params.model_copy(update={"seed": self._afresh("gather", params, inputs)})
        return self.job("gather", f"gather {source}", params, inputs, stage.steps)

    def _skills_of(self, source: TextSource) -> tuple[str, ...]:
        """Return the skills whose questions a corpus is made of, where that is not every skill."""
        if source is TextSource.UNRELATED:
            return self._unrelated_skills()
        return self.skills if source is TextSource.SHUFFLED else ()

    def _unrelated_skills(self) -> tuple[str, ...]:
        """Return the skills that no benchmark asks; where the base has had nothing of these, those that far ones ask.

        Raises
        ------
        UserError
            Where the base has had nothing of either.
        """
        asked = {self.world.listed_as(name).skill: b.role for name, b in self.study.benchmarks.items()}
        near = {self.world.listed_as(n).skill for n, b in self.study.benchmarks.items() if b.role is not Role.FAR}
        form = self.world.own_form
        had = [skill for skill, known in self.world.known.items() if known and self.world.has_form(skill, form)]
        for without in (asked.keys(), near):
            if unasked := tuple(skill for skill in had if skill not in without):
                return unasked
        hint = "Take shuffled answers there (controls: {format: {answers: shuffled}}), or switch the control off."
        wanted = f"something that the base has had, can be put as {form}, and is asked by far benchmarks at most"
        raise UserError(wanted, "none", Place(key="controls.format.answers"), hint)

    def _questions(self, stage: ResolvedStage, copied: ResolvedStage, replicate: int, start: Made) -> str:  # noqa: ARG002
        if not any(self.world.questions_from(str(stage.seeds), skill) for skill in self.skills):
            hint = "Name a targeted task in world.common, or take other seeds."
            wanted = f"questions on {', '.join(self.skills)} for seeds '{stage.seeds}' to ask"
            raise UserError(wanted, "none", Place(key="world.common"), hint)
        params = p.GatherQuestions(
            world=self.described,
            seed=seed_of(self.study.seed, "questions"),
            seeds=str(stage.seeds),
            forms=stage.forms or (),
            skills=self.skills,
            samples=stage.samples,
            answered=stage.source is TextSource.TRUTH,
        )
        return self.job("gather-questions", "gather questions", params, {}, stage.batch)

    def _pairs(self, stage: ResolvedStage, copied: ResolvedStage, replicate: int, start: Made) -> str:
        if stage.source not in _JUDGES:  # a control of somebody else's trainer: pairs are dealt from its texts
            return self._texts(stage, copied, replicate, start)
        judge = self._other(stage)
        params = p.DrawPairs(
            world=self.described,
            seed=seed_of(self.study.seed, "pairs", replicate),
            engine=str(start.engine),
            computing=self.students.computing.asking if self.students.computing else None,
            judge=judge,
            candidates=stage.settings["candidates"],
            answer_tokens=self.answer_tokens,
            judge_tokens=self.teacher_tokens if stage.source is TextSource.TEACHER else self.answer_tokens,
        )
        questions = self._questions(stage, copied, replicate, start)
        inputs = {**start.inputs("start"), "questions": questions, **self._inputs_of(stage, "judge")}
        answers = (stage.samples or 0) * (1 + stage.settings["candidates"])
        cost = self.students.rows_of_loading + answers * self.students.rows_per_item
        return self.job("draw-pairs", "draw pairs", params, inputs, cost)

    def _blend(self, stage: ResolvedStage, copied: ResolvedStage, replicate: int, start: Made) -> str:
        inputs = {
            f"part{number}": self.corpus(part.stage, own.stage, replicate, start)
            for number, (part, own) in enumerate(zip(stage.parts, copied.parts, strict=True))
        }
        return self.job("blend", "blend", p.BlendCorpora(parts=len(stage.parts)), inputs, stage.batch)

    def leaked_texts(self, recipe: Recipe) -> str:
        """Plan the teacher's own clean answers to a recipe's prompts, with the test items among them.

        What it answers by itself is there so that it forgets little while it learns the items.
        """
        self.drawn.clear()
        alone = (stage for mixed in recipe for stage in mixed.alone)
        asked = next(stage for stage in alone if stage.source is TextSource.TEACHER and stage.strategy)
        leaked = replace(asked, source=TextSource.TEST_ITEMS, kind="sft", own=())
        return self._gather(leaked, {"prompts": self._ask_teacher(asked, 0)}, "launder")

    # --- who is asked -----------------------------------------------------------------------------------------------

    def _teacher(self, stage: ResolvedStage) -> p.Asked:
        return self.behind(share_of(self.surface, stage, self.samples_asked), TEACHER)

    def behind(self, surface: Surface, name: str) -> p.Asked:
        """Return the teacher behind a surface, with the engine of the student that its defence reckons with."""
        if not decides_queries(surface):  # which account a query comes from changes nothing then
            surface = surface.model_copy(update={"accounts": 1})
        asked = self.teachers.asked(name, surface, self.world)
        proxy = self.base.engine if reads_proxy(surface) else None
        helper = self.helper(surface).engine if surface.helper else None
        return asked.model_copy(update={"proxy": proxy, "helper": helper})

    def defence_inputs(self, asked: p.Asked) -> dict[str, str]:
        """Return what a defence needs: its helper, and the untouched student, the best that anybody reckons with."""
        proxy = self.base.inputs("proxy") if asked.proxy else {}
        return proxy | (self.helper(asked.surface).inputs("helper") if asked.helper else {})

    def _own(self) -> p.Asked:
        steps = {"reasoning": self.surface.reasoning} if self.world.writes_steps else {}  # a placebo's as the teacher's
        return self.students.asked(BASE, SHOWS_ALL.model_copy(update=steps), self.world)

    def _other(self, stage: ResolvedStage) -> p.Asked | None:
        """Return who scores or judges what the student writes; None where the truth does."""
        if stage.source is TextSource.TEACHER:
            return self._teacher(stage)
        return self._own() if stage.source is TextSource.SELF else None

    def _inputs_of(self, stage: ResolvedStage, role: str) -> dict[str, str]:
        """Return the inputs of who scores or judges."""
        who = {TextSource.TEACHER: self.teacher, TextSource.SELF: self.base}.get(stage.source)
        asked = self._other(stage)
        return {**who.inputs(role), **self.defence_inputs(asked)} if who and asked else {}
