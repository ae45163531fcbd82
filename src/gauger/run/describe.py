"""What a report says of a study besides its estimates: its arms, its ledger, the five threats, what it cannot say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from gauger.records import ArmInfo, ArmKind, Role
from gauger.run.collect import Collected
from gauger.spec import Arm, Study, TextSource

EXAMPLES_EACH = 3


def arm_infos(arms: Sequence[Arm], collected: Collected) -> list[ArmInfo]:
    """Introduce every arm, the teacher first, with what it was trained on per replicate."""
    teacher = ArmInfo("teacher", ArmKind.TEACHER, "The model whose outputs are distilled")
    return [teacher, *(_info(arm, collected) for arm in arms)]


def _info(arm: Arm, collected: Collected) -> ArmInfo:
    asked = [stage for stage in arm.recipe if stage.strategy]
    forms = [form for stage in arm.recipe for form in stage.forms or ()]
    spent = _spent(arm.name, collected.ledger)
    return ArmInfo(
        name=arm.name,
        kind=str(arm.kind),
        description=arm.description,
        matched=arm.matched if arm.kind is not ArmKind.MATCHED else None,
        strategy=", ".join(dict.fromkeys(stage.strategy or "" for stage in asked)) or None,
        seed_source=", ".join(dict.fromkeys(stage.seeds or "" for stage in asked)) or None,
        forms=list(dict.fromkeys(forms)),
        steps=sum(stage.steps for stage in arm.recipe) if arm.recipe else None,
        tokens=_per_replicate(arm.name, collected.training, "tokens"),
        unique_tokens=_per_replicate(arm.name, collected.training, "unique_tokens"),
        teacher_tokens=spent["tokens_out"] if arm.uses_teacher else None,
        queries=spent["queries"] if arm.uses_teacher else None,
    )


def _spent(arm: str, ledger: pl.DataFrame) -> dict[str, int | None]:
    if ledger.is_empty():
        return {"tokens_out": None, "queries": None}
    return {column: _per_replicate(arm, ledger, column) for column in ("tokens_out", "queries")}


def _per_replicate(arm: str, table: pl.DataFrame, column: str) -> int | None:
    rows = table.filter(arm=arm) if not table.is_empty() else table
    if rows.is_empty():
        return None
    return round(float(rows.group_by("replicate").agg(pl.col(column).sum())[column].mean()))  # type: ignore[arg-type]


def ledger_rows(collected: Collected) -> list[dict[str, Any]]:
    """Summarise the ledger per arm and source, per replicate; kept-in web has a row of its own."""
    if collected.ledger.is_empty():
        return []
    kept = pl.col("dropped").is_null()
    by_source = (
        collected.ledger.group_by("arm", "source", maintain_order=True)
        .agg(
            pl.col("replicate").n_unique().alias("n"),
            kept.sum().alias("samples"),
            pl.col("length").filter(kept).sum().alias("corpus_tokens"),
            pl.struct("replicate", "id", "length").filter(kept).unique().struct.field("length").sum().alias("unique"),
            pl.col("tokens_in").sum(),
            pl.col("tokens_out").sum(),
            pl.col("queries").sum(),
            (~kept).sum().alias("dropped"),
            (kept & (pl.col("overlaps").list.len() > 0)).sum().alias("overlaps"),
        )
        .with_columns(pl.col("corpus_tokens").sum().over("arm").alias("arm_tokens"))
    )
    totals = _totals(collected.training)
    rows = [_ledger_row(row, totals) for row in by_source.iter_rows(named=True)]
    order = {arm: place for place, arm in enumerate(dict.fromkeys(row["arm"] for row in rows))}
    return sorted([*rows, *_kept_in(totals)], key=lambda row: order.get(row["arm"], len(order)))


def _totals(training: pl.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    sums = training.group_by("arm", "source", maintain_order=True).agg(
        pl.col("tokens").sum() / pl.col("replicate").n_unique(),
        pl.col("unique_tokens").sum() / pl.col("replicate").n_unique(),
    )
    return {(row["arm"], row["source"]): (row["tokens"], row["unique_tokens"]) for row in sums.iter_rows(named=True)}


def _ledger_row(row: Mapping[str, Any], totals: Mapping[tuple[str, str], tuple[float, float]]) -> dict[str, Any]:
    trained, _ = totals.get((row["arm"], "corpus"), (0.0, 0.0))
    tokens = trained * row["corpus_tokens"] / row["arm_tokens"] if row["arm_tokens"] else 0.0
    unique = row["unique"] / row["n"]
    return {
        "arm": row["arm"],
        "source": row["source"],
        "samples": round(row["samples"] / row["n"]),
        "tokens": round(tokens),
        "unique_tokens": round(unique),
        "epochs": round(tokens / unique, 2) if unique else None,
        "teacher_tokens_in": round(row["tokens_in"] / row["n"]),
        "teacher_tokens_out": round(row["tokens_out"] / row["n"]),
        "queries": round(row["queries"] / row["n"]),
        "dropped": round(row["dropped"] / row["n"]),
        "overlaps": round(row["overlaps"] / row["n"]),
    }


def _kept_in(totals: Mapping[tuple[str, str], tuple[float, float]]) -> list[dict[str, Any]]:
    return [
        {
            "arm": arm,
            "source": source,
            "samples": None,
            "tokens": round(tokens),
            "unique_tokens": round(unique),
            "epochs": round(tokens / unique, 2) if unique else None,
            "teacher_tokens_in": 0,
            "teacher_tokens_out": 0,
            "queries": 0,
            "dropped": 0,
            "overlaps": 0,
        }
        for (arm, source), (tokens, unique) in totals.items()
        if source != "corpus"
    ]


def examples(arms: Sequence[Arm], texts: Mapping[str, Sequence[tuple[str, str]]]) -> list[dict[str, Any]]:
    """Show a few samples of what each asked arm was trained on."""
    return [
        {"arm": arm.name, "strategy": arm.recipe[-1].strategy, "prompt": prompt, "answer": answer}
        for arm in arms
        for prompt, answer in texts.get(arm.name, ())[:EXAMPLES_EACH]
    ]


def threats(study: Study, arms: Sequence[Arm], off: Mapping[str, str]) -> list[dict[str, str]]:
    """Say how the study stands on the five threats of DESIGN section 1."""
    distilled = [arm for arm in arms if arm.kind is ArmKind.DISTILLED]
    seeds = sorted({stage.seeds for arm in distilled for stage in arm.recipe if stage.seeds})
    apart = "benchmark-train" in seeds and len(seeds) > 1
    roles = {benchmark.role for benchmark in study.benchmarks.values()}
    missing = [str(role) for role in Role if role not in roles]
    stages = {len([s for s in arm.recipe if s.source is not TextSource.TEACHER]) for arm in distilled}
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
            "without a teacher; the ledger counts tokens per source.",
            "stands": "open" if "matched" in off else "controlled",
        },
        {
            "threat": "Benchmarks",
            "question": "Is the gain more than polish on the benchmark?",
            "answer": "Gains are measured on new items, other forms and other skills, beside a leak arm that shows "
            "what contamination looks like here."
            + (f" No benchmark has the role {', '.join(missing)}." if missing else "")
            + (f" The leak control is off: {off['leak']}" if "leak" in off else ""),
            "stands": "partly" if missing or "leak" in off else "controlled",
        },
        {
            "threat": "Context",
            "question": "What of the rest of the post-training pipeline?",
            "answer": "Distillation follows pre-training directly; fine-tuning on human data, preference optimisation "
            "and reinforcement learning are not in this study."
            if stages <= {0}
            else "Some arms have other stages beside distillation; their order and interactions were not varied.",
            "stands": "open" if stages <= {0} else "partly",
        },
        {
            "threat": "Scale",
            "question": "Would it hold for larger students and harder benchmarks?",
            "answer": "One student size, one teacher, one budget: the study says nothing of how the effect grows.",
            "stands": "open",
        },
    ]


def limits(study: Study) -> list[str]:
    """Say what the study cannot say."""
    said = [
        "It speaks of this teacher, this base student, these recipes and this budget. The base and the teacher are one "
        "trained model each; intervals cover training and eliciting again from them, and new items, not new bases.",
        "The embedded world is made up. It shows what the instrument sees and how effects of each kind look; sizes of "
        "effects do not carry over to language models.",
    ]
    if study.replicates == 1:
        said.append("Nothing was replicated: its intervals cover item sampling alone.")
    return said
