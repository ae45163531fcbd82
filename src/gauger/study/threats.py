"""Says how a study stands on the five threats to a conclusion: seeds, mixture, benchmarks, context, scale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gauger.elicit import AGREES_WITHIN
from gauger.records import ArmInfo, ArmKind, Role
from gauger.spec import Arm, ResolvedStage, Study, TextSource, kind_of

TOKENS_AGREE = "rows are matched by form, and tokens agree within 1 %"
FURTHER, HUMAN, PREFERENCES, REWARDS = (
    "further pre-training",
    "fine-tuning on data that no teacher wrote",
    "preference optimisation",
    "reinforcement learning",
)
"""What else post-training is made of."""
_AXES = {
    "students": "student size",
    "base_steps": "strength of the base",
    "teacher_steps": "teacher strength",
    "budgets": "budget",
}


def threats(
    study: Study, arms: Sequence[Arm], off: Mapping[str, str], infos: Sequence[ArmInfo] = (), predicted: int = 0
) -> list[dict[str, str]]:
    """Say how the study stands on the five threats to a conclusion.

    Parameters
    ----------
    study, arms
        The study, and its arms as they are run.
    off : mapping
        Controls that are off -> why.
    infos : sequence of ArmInfo
        What the arms were trained on.
    predicted : int
        Cells of the study's scale that were held out of its curves and predicted by them.
    """
    distilled = [arm for arm in arms if arm.kind is ArmKind.DISTILLED and arm.uses_teacher]
    untaught = [arm.name for arm in arms if arm.kind is ArmKind.DISTILLED and not arm.uses_teacher]
    by_arm = {frozenset(part.seeds for part in _parts_of(arm) if part.seeds) for arm in distilled}
    seeds = sorted({seed for seeds_of_arm in by_arm for seed in seeds_of_arm})
    apart = "benchmark-train" in seeds and len(by_arm) > 1
    roles = set(study.roles.values())
    held, missing = ([str(role) for role in Role if (role in roles) is is_held] for is_held in (True, False))
    other_tokens = _other_tokens([info for info in infos if info.kind == ArmKind.DISTILLED])
    return [
        {
            "threat": "Seeds",
            "question": "Were the teacher's prompts made from the benchmark itself?",
            "answer": f"Every arm declares its seed source ({', '.join(seeds)}), and uplift stands per arm."
            + (
                "" if apart else " Without benchmark-seeded and other arms side by side the effect of seeds is unknown."
            ),
            "stands": "controlled" if apart else "partly",
        },
        {
            "threat": "Mixture",
            "question": "Is other data credited to the teacher?",
            "answer": f"The matched control is off: {off['matched']}"
            if "matched" in off
            else "Every distilled arm is held against a matched arm of the same steps, rows, format and kept-in web "
            f"without a teacher; {other_tokens or TOKENS_AGREE}. The ledger counts tokens per source."
            + (f" No teacher is in {', '.join(untaught)}: only a gain is reported, no uplift." if untaught else ""),
            "stands": "open" if "matched" in off else "partly" if other_tokens else "controlled",
        },
        {
            "threat": "Benchmarks",
            "question": "Is the gain more than polish on the benchmark?",
            "answer": f"Gains are measured on benchmarks of the roles {', '.join(held)}"
            + ("." if "leak" in off else ", beside a leak arm that shows what contamination looks like here.")
            + (f" No benchmark has the role {', '.join(missing)}." if missing else "")
            + (f" The leak control is off: {off['leak']}" if "leak" in off else ""),
            "stands": "partly" if missing or "leak" in off else "controlled",
        },
        {
            "threat": "Context",
            "question": "What of the rest of the post-training pipeline?",
            **_context(study, arms),
        },
        {
            "threat": "Scale",
            "question": "Would it hold for larger students and harder benchmarks?",
            **_scale(study, predicted),
        },
    ]


def _other_tokens(distilled: Sequence[ArmInfo]) -> str:
    """Say which arms' controls have not their tokens to 1 %, or that it is not known; empty where all have them."""
    shares = {info.name: info.matched_tokens for info in distilled}
    known = {name: share for name, share in shares.items() if share is not None}
    apart = [f"{share:.1%} for {name}" for name, share in known.items() if abs(share - 1) > AGREES_WITHIN]
    unknown = [name for name in shares if name not in known]
    return "; ".join(
        [
            *([f"the control's tokens are not the arm's own ({', '.join(apart)} of them)"] if apart else []),
            *([f"tokens of {', '.join(unknown)} and its control are not known"] if unknown else []),
        ]
    )


def _parts_of(arm: Arm) -> Iterator[ResolvedStage]:
    return (part for stage in arm.recipe for part in stage.alone)


def _other_training(arms: Iterable[Arm]) -> set[str]:
    """Name what arms are trained by besides distillation; web text in a mixture is kept in, and no stage of its own."""
    named = {(name, bool(stage.parts)) for arm in arms for stage in arm.recipe for name in map(_name_of, stage.alone)}
    return {name for name, is_mixed in named if name is not None and not (is_mixed and name == FURTHER)}


def _name_of(stage: ResolvedStage) -> str | None:
    kind = kind_of(stage)
    if kind.corpus == "pairs":
        return PREFERENCES
    if stage.source is TextSource.TEACHER or stage.source is TextSource.SELF:
        return None
    if kind.student_writes:
        return REWARDS
    return HUMAN if stage.forms else FURTHER


def _context(study: Study, arms: Sequence[Arm]) -> dict[str, str]:
    if study.factorial is not None:
        named = ", ".join(study.factorial.order)
        answer = (
            f"Ingredients of the pipeline ({named}) were switched on and off together, and each is attributed its part."
        )
        return {"answer": answer, "stands": "controlled"}
    declared = [arm for arm in arms if arm.kind is ArmKind.DISTILLED]
    combined = _other_training(arm for arm in declared if arm.uses_teacher)
    apart = _other_training(declared) - combined
    absent = [name for name in (HUMAN, PREFERENCES, REWARDS) if name not in combined | apart]
    start = (
        "Distillation follows pre-training directly."
        if study.student.from_scratch is not None
        else "Distillation starts from a checkpoint, and what post-training that has had is not known."
    )
    sentences = [] if combined and study.student.from_scratch is not None else [start]
    if combined:
        sentences.append(
            f"Arms that learn from the teacher also have {_listed(combined)}; order and interactions were not varied."
        )
    if apart:
        sentences.append(f"Arms without a teacher have {_listed(apart)}, which was not combined with distillation.")
    if absent:
        sentences.append(f"Not in this study: {_listed(absent)}.")
    return {"answer": " ".join(sentences), "stands": "partly" if combined else "open"}


def _listed(names: Iterable[str]) -> str:
    """Write "a", "a and b" or "a, b and c", in the order of the pipeline."""
    ordered = sorted(names, key=(FURTHER, HUMAN, PREFERENCES, REWARDS, *_AXES.values()).index)
    return " and ".join(filter(None, [", ".join(ordered[:-1]), ordered[-1]]))


def _scale(study: Study, predicted: int) -> dict[str, str]:
    scale = study.scale
    varied = [words for name, words in _AXES.items() if scale is not None and len(getattr(scale, name)) > 1]
    if not varied:
        answer = "One student size, one teacher, one budget: the study says nothing of how the effect grows."
        return {"answer": answer, "stands": "open"}
    alike = [words for words in _AXES.values() if words not in varied]
    rest = f" The {_listed(alike)} {'was' if len(alike) == 1 else 'were'} not." if alike else ""
    largest = ", and the largest cells predicted from the others" if predicted else "; no larger cell was predicted"
    varied_words = f"{_listed(varied)} {'was' if len(varied) == 1 else 'were'} varied{largest}."
    answer = (
        f"{varied_words[0].upper()}{varied_words[1:]}{rest} "
        "Students of another kind, and scales far beyond these, remain an extrapolation."
    )
    return {"answer": answer, "stands": "partly"}
