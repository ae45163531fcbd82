"""How a study of any world is planned: teacher, base, then every arm stage by stage; a world fills in the jobs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from gauger.errors import JobError
from gauger.execute.job import make_job, source_version
from gauger.records import ArmKind, Role
from gauger.spec import BASE, TEACHER, Arm, ResolvedStage, ScaledCell, Study, TextSource, expand_arms, scale_cells
from gauger.store.canonical import fingerprint
from gauger.study.jobs_of_study import SAMPLED, Cell, Plan, seed_of

PartT = TypeVar("PartT")


def of_kind(part: object, kind: type[PartT]) -> PartT:
    """Return a part of a study that the checks have found to be of a kind."""
    if not isinstance(part, kind):
        raise JobError(f"this world needs a {kind.__name__}, got a {type(part).__name__}")
    return part


class Planner(ABC):
    """Walks through a study and adds its jobs to a plan.

    Parameters
    ----------
    study : Study
        A checked study.
    skills : dict
        Benchmark -> its skill, knowledge domain or task.
    """

    code: ClassVar[tuple[str, ...]]
    """Modules that can change a job's result."""
    prefix: ClassVar[str] = ""
    """Stands before every kind of job of this world."""

    def __init__(self, study: Study, skills: dict[str, str]) -> None:
        self.study = study
        self.version = source_version(*self.code)
        self.world = self.describe_world()
        self.targeted = [name for name, b in study.benchmarks.items() if b.role is Role.TARGETED]
        self.skills = list(dict.fromkeys(skills[name] for name in self.targeted))
        self.result = Plan(study, expand_arms(study), scale_cells(study))
        self.recipes = {arm.name: arm.recipe for arm in self.result.arms}
        self.drawn: Counter[str] = Counter()

    def plan(self) -> Plan:
        """Plan the whole study."""
        self.current: tuple[str, int | None] = (TEACHER, None)
        self.teacher = self.make_teacher()
        self.current = (BASE, None)
        self.base = self.make_base()
        self._cell(TEACHER, 0, (), (), self.teacher)
        for arm in self.result.arms:
            if arm.name == BASE:
                self._cell(BASE, 0, (), (), self.base)
                continue
            for replicate in range(self.study.replicates):
                self._arm(arm, replicate)
        for cell in self.result.scaled:
            self._scaled(cell)
        return self.result

    # --- what a world fills in ---------------------------------------------------------------------------------------

    def describe_world(self) -> dict[str, Any]:
        """Everything about the world that can change a result."""
        return self.study.world.model_dump(mode="json")

    @abstractmethod
    def make_teacher(self) -> str:
        """Plan the teacher and return its job's key; empty where no job makes it."""

    @abstractmethod
    def make_base(self) -> str:
        """Plan the untouched student and return its job's key."""

    @abstractmethod
    def measurement(self) -> tuple[dict[str, Any], float]:
        """Parameters and cost of measuring a model."""

    @abstractmethod
    def asking(self, stage: ResolvedStage) -> dict[str, Any]:
        """Parameters of asking anybody for a stage's text, besides strategy, forms and seed."""

    def ask_teacher_params(self) -> dict[str, Any]:
        """Parameters of asking the teacher alone."""
        return {}

    @abstractmethod
    def training(self, stage: ResolvedStage) -> dict[str, Any]:
        """Parameters of training on a stage, besides its seed."""

    def cost_of_samples(self, stage: ResolvedStage) -> float:
        """Cost of obtaining a stage's samples."""
        return float(stage.samples or 0)

    def model_inputs(self, model: str) -> dict[str, str]:
        """Inputs of a job that uses a model of the student's family."""
        return {"model": model}

    def teacher_inputs(self, role: str = "teacher") -> dict[str, str]:
        """Inputs of a job that asks the teacher, under that role."""
        return {role: self.teacher}

    # --- the walk ----------------------------------------------------------------------------------------------------

    def job(self, kind: str, what: str, params: dict[str, Any], inputs: dict[str, str], cost: float) -> str:
        """Add a job of the current arm and replicate; returns its key."""
        arm, replicate = self.current
        words = arm if replicate is None else f"{arm} · replicate {replicate}"
        job = make_job(
            f"{self.prefix}{kind}",
            f"{words} · {what}",
            {"world": self.world, **params},
            inputs,
            cost=cost,
            arm=arm,
            replicate=replicate,
            stage=what,
            version=self.version,
        )
        return self.result.add(job)

    def _arm(self, arm: Arm, replicate: int) -> None:
        """Plan every stage of an arm from the base on; what another arm has planned already is found by its key."""
        self.current = (arm.name, replicate)
        self.drawn.clear()
        model, corpora, stages = self.base, [], []
        for number, stage in enumerate(arm.recipe):
            copied = self.recipes[arm.of][number] if arm.of else stage
            corpora.append(self.corpus(stage, copied, replicate, model))
            model = self.train(stage, number, replicate, model, corpora[-1])
            stages.append(model)
        self._cell(arm.name, replicate, tuple(corpora), tuple(stages), model)

    def _scaled(self, cell: ScaledCell) -> None:
        """Plan one cell of the scale: its base, its teacher, and its stages in every replicate."""
        self.current = (cell.name, None)
        self.teacher, self.base = self.models_of(cell)
        if cell.of is None:
            self._cell(cell.name, 0, (), (), self.teacher if cell.kind is ArmKind.TEACHER else self.base)
            return
        arm = replace(cell.of, name=cell.name, recipe=cell.recipe, of=None)
        scale = self.study.scale
        for replicate in range((scale and scale.replicates) or self.study.replicates):
            self._arm(arm, replicate)

    def models_of(self, cell: ScaledCell) -> tuple[str, str]:
        """Plan the teacher and the base of a cell of the scale; returns their jobs' keys."""
        raise JobError(f"{cell.name}: this world has no scale")

    def _cell(self, arm: str, replicate: int, corpora: tuple[str, ...], stages: tuple[str, ...], model: str) -> None:
        self.current = (arm, replicate if stages else None)
        params, cost = self.measurement()
        inputs = self.teacher_inputs("model") if arm == TEACHER else self.model_inputs(model)
        records = self.job("measure", "measure", params, inputs, cost)
        self.result.cells.append(Cell(arm, replicate, corpora, stages, records))

    def corpus(self, stage: ResolvedStage, copied: ResolvedStage, replicate: int, start: str) -> str:  # noqa: ARG002
        """Plan a stage's corpus.

        Parameters
        ----------
        copied : ResolvedStage
            The stage of which it is a control, whose prompts it then shares; else the stage itself.
        start : str
            Key of the model that will be trained on it, for stages in which that model writes.
        """
        if stage.source is TextSource.TEACHER:
            return self._ask_teacher(stage, replicate)
        if stage.source is TextSource.SELF:
            return self._ask_base(stage, self._ask_teacher(copied, replicate), replicate)
        if stage.source is TextSource.TEST_ITEMS or (stage.source is TextSource.TRUTH and stage.strategy):
            return self._gather(stage, {"prompts": self._ask_teacher(copied, replicate)}, "all")
        return self._gather(stage, {}, replicate)

    def _afresh(self, what: str, params: dict[str, Any], inputs: dict[str, str]) -> dict[str, Any]:
        """Give what an arm has drawn before another seed: its second equal stage is to bring new samples.

        The first keeps its seed, and so its address. A control passes through the same stages as the arm it copies, in
        the same order (`what` names whose they are there), so that it shares all of that arm's prompts.
        """
        key = fingerprint({"what": what, "params": params, "inputs": inputs})
        again, self.drawn[key] = self.drawn[key], self.drawn[key] + 1
        return params | {"seed": seed_of(params["seed"], "again", again)} if again else params

    def _ask_teacher(self, stage: ResolvedStage, replicate: int) -> str:
        params = self._asking(stage, "ask", replicate) | {
            "samples": stage.samples,
            "skills": self.skills,
            "surface": self.study.teacher.surface.model_dump(mode="json"),
            **self.ask_teacher_params(),
        }
        inputs = self.teacher_inputs()
        params = self._afresh(f"ask-teacher for {stage.source}", params, inputs)
        return self.job("ask-teacher", "ask the teacher", params, inputs, self.cost_of_samples(stage))

    def _ask_base(self, stage: ResolvedStage, prompts: str, replicate: int) -> str:
        inputs = {"base": self.base, "prompts": prompts}
        params = self._asking(stage, "self", replicate)
        return self.job("ask-base", "ask the base", params, inputs, self.cost_of_samples(stage))

    def _asking(self, stage: ResolvedStage, who: str, replicate: int) -> dict[str, Any]:
        drawn = replicate if stage.strategy in SAMPLED else "all"
        return {
            "strategy": stage.strategy,
            "forms": list(stage.forms or ()),
            **self.asking(stage),
            "seed": seed_of(self.study.seed, who, drawn),
        }

    def _gather(self, stage: ResolvedStage, inputs: dict[str, str], drawn: int | str) -> str:
        """Plan a corpus that the teacher did not write; only what its source reads enters its address."""
        params = {
            "source": str(stage.source),
            "kind": stage.kind,
            "strategy": stage.strategy,
            "forms": list(stage.forms or ()),
            "samples": stage.samples or stage.steps * stage.batch,
            "seed": seed_of(self.study.seed, "gather", drawn),
        }
        if stage.source is TextSource.SHUFFLED:
            params["skills"] = self.skills
        if stage.source is TextSource.TEST_ITEMS:
            params["benchmarks"] = self.targeted
        params = self._afresh("gather", params, inputs)
        return self.job("gather", f"gather {stage.source}", params, inputs, stage.steps)

    def train(self, stage: ResolvedStage, number: int, replicate: int, start: str, corpus: str) -> str:
        """Plan the training on a stage, the `number`-th of its arm."""
        params = {**self.training(stage), "seed": seed_of(self.study.seed, "train", replicate, number)}
        inputs = {"start": start, "corpus": corpus, **self.training_inputs()}
        return self.job("train", stage.kind, params, inputs, stage.steps * stage.batch)

    def training_inputs(self) -> dict[str, str]:
        """Inputs of a training job besides its start and its corpus."""
        return {}
