"""Plans a study: teacher, base, then every arm stage by stage. What differs by kind of model, its maker says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from gauger.execute import code_version, make_job
from gauger.jobs import BY_PROGRAM, EVALUATED
from gauger.jobs import parameters as p
from gauger.records import ArmKind
from gauger.spec import (
    BASE,
    LEAKY_TEACHER,
    TEACHER,
    Arm,
    CheckpointTeacher,
    ResolvedStage,
    ScaledCell,
    SpecPart,
    Surface,
    TextSource,
    kind_of,
)
from gauger.store import fingerprint
from gauger.study.checkpoint_models import CheckpointMaker
from gauger.study.defence_checks import check_defences
from gauger.study.drawn_texts import drawn_texts
from gauger.study.evaluator_tasks import ASSUMED_ITEMS, evaluator_settings
from gauger.study.external_stages import LEARNS, RowsLearnt, external_settings
from gauger.study.job_parts import code_of, decisive_parameters, resources_of
from gauger.study.makers import Made, Maker
from gauger.study.marks import MarkedArm, marked_arms
from gauger.study.plan import ArmReplicate, Plan, seed_of
from gauger.study.shared_budgets import samples_asked, samples_by_arm
from gauger.study.stage_corpora import SHOWS_ALL, StageCorpora

SCALED = "scale:"
"""Begins the name of every cell of a scale."""


class Planner(StageCorpora):
    """Walks through a study and adds its jobs to a plan.

    Parameters
    ----------
    study : Study
        A checked study.
    world : World
        Its world.
    folder : Path
        Where the study file lies; its paths are relative to it.
    """

    def plan(self) -> Plan:
        """Plan the whole study."""
        self._versions: dict[frozenset[str], str] = {}
        self._checkpoints: dict[str, str] = {}  # key of the job that notes a place -> digest of what lies there
        self.current: tuple[str, int | None] = (TEACHER, None)
        self.teacher = self.teachers.teacher(self)
        self.current = (BASE, None)
        self.base = self.students.base(self)
        self._check_tokens()
        check_defences(self)
        self._cell(TEACHER, 0, (), (), self.teacher)
        places = {arm.name: place for place, arm in enumerate(self.result.arms)}
        # what a matched arm shares with the arm that it is matched with goes by that arm's name: it comes last
        for arm in sorted(self.result.arms, key=lambda arm: arm.kind is ArmKind.MATCHED):
            if arm.name == BASE:
                self._cell(BASE, 0, (), (), self.base)
                continue
            if arm.kind is ArmKind.SURFACE:
                self._honest(arm)
            elif arm.kind in (ArmKind.LAUNDER, ArmKind.LEAKY_TEACHER):
                self._laundering(arm)
            else:
                self._replicates(arm)
        self.result.cells.sort(key=lambda cell: places.get(cell.arm, -1))
        for cell in self.result.scaled:
            self._scaled(cell)
        return self.result

    def _check_tokens(self) -> None:
        """Where the teacher's tokens are compared with the student's one by one, they must be the same."""
        taught = [stage for arm in self.result.arms for stage in arm.recipe if stage.source is TextSource.TEACHER]
        soft = [stage for stage in taught if kind_of(stage).soft and stage.settings.get("divergence") != "sorted"]
        if soft or any(kind_of(stage).scored for stage in taught):
            self.teachers.require_same_tokens(self.students)

    def helper(self, surface: Surface) -> Made:
        """Plan the model that does the work of a surface's defence: put in place once, whoever needs it."""
        model = CheckpointTeacher(kind="checkpoint", model=str(surface.helper))
        return CheckpointMaker(model, self.folder).base(self)

    # --- jobs -------------------------------------------------------------------------------------------------------

    def job(self, kind: str, what: str, params: SpecPart, inputs: Mapping[str, str], cost: float) -> str:
        """Add a job of the current arm and replicate; returns its key.

        Its address holds the code that it can reach: that of its function, and of the parts that its parameters name.
        Only the job that notes where a checkpoint lies is addressed by that place; those that read it, by its content.
        """
        arm, replicate = self.current
        words = arm if replicate is None else f"{arm} · replicate {replicate}"
        decisive, version = decisive_parameters(params), self._version(frozenset(code_of(kind, params, self.world)))
        placed = {"reference": params.reference} if isinstance(params, p.Materialise) else {}
        job = make_job(
            kind,
            f"{words} · {what}",
            params.model_dump(mode="json"),
            inputs,
            decisive=decisive | placed,
            addressed_inputs={role: self._checkpoints.get(key, key) for role, key in inputs.items()},
            cost=cost,
            arm=arm,
            replicate=replicate,
            stage=what,
            version=version,
            resources=resources_of(params),
        )
        self._checkpoints |= {job.key: fingerprint({"params": decisive, "version": version})} if placed else {}
        return self.result.add(job, params)

    def _version(self, code: frozenset[str]) -> str:
        """Return the version of the code behind a job; a plan of a hundred thousand jobs reads the sources once."""
        if code not in self._versions:
            self._versions[code] = code_version(code)
        return self._versions[code]

    @cached_property
    def _n_items(self) -> int:
        """Items of all benchmarks of the study."""
        return sum(len(self.world.benchmark(name).items) for name in self.study.benchmarks)

    @cached_property
    def _budgeted(self) -> dict[str, int]:
        return samples_by_arm(self.result.arms)

    def _arm(self, arm: Arm, replicate: int) -> None:
        """Plan every stage of an arm from the base on; what another arm has planned already is found by its key."""
        self.current, self.surface = (arm.name, replicate), arm.surface or self.study.teacher.surface
        self.samples_asked = self._budgeted.get(arm.name) or sum(samples_asked(stage) for stage in arm.recipe)
        self.drawn.clear()
        model, corpora, stages = self.base, [], []
        for number, stage in enumerate(arm.recipe):
            copied = self.recipes[arm.of][number] if arm.of else stage
            corpora.append(self.corpus(stage, copied, replicate, model))
            model = self.train(stage, number, replicate, model, corpora[-1])
            stages.append(model.model)
        self._cell(arm.name, replicate, tuple(corpora), tuple(stages), model)

    def _replicates(self, arm: Arm) -> None:
        """Plan an arm in every replicate."""
        for replicate in range(self.study.replicates):
            self._arm(arm, replicate)

    def _laundering(self, arm: Arm) -> None:
        """Plan the teacher that is trained on the test items, or the arm that it teaches in the clean one's place."""
        clean, launder = self.teacher, self.study.controls.launder
        assert launder is not None  # noqa: S101 - these arms are there where it is
        self.current, self.surface = (LEAKY_TEACHER, None), self.study.teacher.surface
        params = p.TrainStage(
            world=self.described,
            seed=seed_of(self.study.seed, "launder"),
            engine=str(clean.engine),
            adapter=self.teachers.adapter,
            computing=self.teachers.computing,
            web_share=0.0,
            **launder.model_dump(exclude={"of"}),
        )
        self.samples_asked = self._budgeted[str(ArmKind.LAUNDER)]
        inputs = {**clean.inputs("start"), "corpus": self.leaked_texts(self.recipes[str(ArmKind.LAUNDER)])}
        self.teacher = clean.trained(self.job("train", "leak", params, inputs, launder.steps * launder.batch))
        if arm.kind is ArmKind.LAUNDER:
            self._replicates(arm)
        else:
            self._cell(arm.name, 0, (), (), self.teacher)
        self.teacher = clean

    def _honest(self, arm: Arm) -> None:
        """Plan the measuring of the teacher as an honest user of a defended surface sees it."""
        self._cell(arm.name, 0, (), (), self.teacher, arm.surface)

    def _scaled(self, cell: ScaledCell) -> None:
        """Plan one cell of the scale: its base, its teacher, and its stages in every replicate."""
        self.current = (cell.name, None)
        if cell.teacher_steps is not None:
            self.teacher = self.teachers.teacher(self, cell.teacher_steps)
        if cell.kind is not ArmKind.TEACHER:
            self.base = self.students.base(self, cell.base_steps, cell.student)
        if cell.of is None:
            self._cell(cell.name, 0, (), (), self.teacher if cell.kind is ArmKind.TEACHER else self.base)
            return
        arm = replace(cell.of, name=cell.name, recipe=cell.recipe, of=None)
        scale = self.study.scale
        for replicate in range((scale and scale.replicates) or self.study.replicates):
            self._arm(arm, replicate)

    def _cell(
        self,
        arm: str,
        replicate: int,
        corpora: tuple[str, ...],
        stages: tuple[str, ...],
        model: Made,
        surface: Surface | None = None,
    ) -> None:
        self.current = (arm, replicate if stages else None)
        decoding, maker = self.study.decoding, self.teachers if model is self.teacher else self.students
        own = self.study.teacher.answer_limit
        params = p.MeasureModel(
            world=self.described,
            seed=seed_of(self.study.seed, "measure") if decoding.temperature else 0,
            asked=self.behind(surface, "model") if surface else maker.asked("model", self._measured(model), self.world),
            benchmarks=tuple(self.study.benchmarks),
            max_new_tokens=(own if model is self.teacher else None) or decoding.max_new_tokens,
            temperature=decoding.temperature,
            samples=decoding.samples,
            loss=arm.startswith(SCALED),
        )
        cost = maker.rows_of_loading + maker.rows_per_item * self._n_items * decoding.samples
        inputs = {**model.inputs("model"), **self.defence_inputs(params.asked)}
        if surface is None:  # programs of others ask the model itself, and never see a surface
            inputs |= self._evaluations(params, maker, model)
        records = self.job("measure", "measure", params, inputs, cost)
        drawn = drawn_texts(self, arm, params, model)
        self.result.cells.append(ArmReplicate(arm, replicate, corpora, stages, records, drawn))

    @cached_property
    def marked(self) -> dict[str, MarkedArm]:
        """The arms whose text is tested for a mark, by name."""
        return {marked.arm: marked for marked in marked_arms(self.study, self.result.arms)}

    @cached_property
    def _evaluators(self) -> dict[str, dict[str, Any]]:
        """What each evaluator's task is run with: the user's files are read once."""
        return {name: evaluator_settings(task, self.folder) for name, task in self.study.evaluated.items()}

    def _evaluations(self, measuring: p.MeasureModel, maker: Maker, model: Made) -> dict[str, str]:
        """Plan what programs of others measure; returns the inputs under which the measurement reads their records."""
        jobs = {}
        for number, (name, task) in enumerate(self.study.evaluated.items()):
            params = p.EvaluateModel(
                world=self.described,
                seed=measuring.seed,
                asked=measuring.asked,
                benchmark=name,
                **self._evaluators[name],
            )
            cost = maker.rows_of_loading + maker.rows_per_item * (task.limit or ASSUMED_ITEMS)
            jobs[f"{EVALUATED}{number}"] = self.job("evaluate", f"evaluate {name}", params, model.inputs("model"), cost)
        return jobs

    def _measured(self, model: Made) -> Surface:
        """Return what a measured model shows: all; of the teacher's budgets that in money holds, it is the user's."""
        teacher = self.study.teacher
        shown: dict[str, Any] = {"reasoning": "shown"} if self.world.writes_steps else {}
        if model is self.teacher and teacher.costs_money:
            shown["max_usd"] = teacher.surface.max_usd
        return SHOWS_ALL.model_copy(update=shown)

    # --- training ---------------------------------------------------------------------------------------------------

    def train(self, stage: ResolvedStage, number: int, replicate: int, start: Made, corpus: str) -> Made:
        """Plan the training on a stage, the `number`-th of its arm."""
        kind = kind_of(stage)
        by_program = BY_PROGRAM.get(kind.job)
        record = by_program or p.TRAINING.get(kind.job, p.TrainStage)
        given = {
            "world": self.described,
            "seed": seed_of(self.study.seed, "train", replicate, number),
            "engine": str(start.engine),
            "steps": stage.steps,
            "batch": stage.batch,
            "learning_rate": stage.learning_rate,
            "adapter": self.students.adapter,
            "computing": self.students.computing,
            "too_long": self.students.too_long,
            "checkpoint_steps": self.students.checkpoint_steps,
            "web_share": stage.web_share,
            "answer_tokens": self.answer_tokens,
            "scorer": self._other(stage) if kind.scored else None,
            "parts": tuple(p.MixturePart(weight=part.weight, tokens=part.tokens) for part in stage.parts),
            "own": stage.settings,
            **stage.settings,
        }
        if by_program is not None:
            rows = RowsLearnt(stage.batch, self.world.chat, LEARNS[kind.corpus])
            given |= external_settings(stage.settings, self.students.adapter, self.folder, rows)
            given["checkpoint_steps"] = stage.settings["checkpoint_steps"] or self.students.checkpoint_steps
            given["computing"] = None  # the program computes as its own settings say
        params = record(**{name: value for name, value in given.items() if name in record.model_fields})
        inputs = {**start.inputs("start"), "corpus": corpus}
        if kind.scored:
            inputs |= self._inputs_of(stage, "scorer")
        cost = stage.steps * stage.batch * (1.0 + self.students.rows_per_sample * kind.draws_per_row(stage))
        return start.trained(self.job(kind.job, stage.kind, params, inputs, cost))
