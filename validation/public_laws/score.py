"""Do automatic forecasts hold on other people's data? Error and coverage beside each paper's own figures.

Run: OMP_NUM_THREADS=1 python validation/public_laws/score.py [--chinchilla DIR] [--overtraining DIR] [--ladder DIR]
     [--mixing DIR]
Each DIR is a copy of the public repository that README.md names; what is not given is left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import authors
import numpy as np
from tables import TASKS, Problem, chinchilla, domain_weights, five_points, ladder, mixtures, overtraining

from gauger.estimate.scaling.fit import FitRequest, fit_points
from gauger.stats.laws import LAWS, Search, fit_law

REQUEST = FitRequest(draws=300, search=Search(starts=100))
FACTOR = 1.2
"""Largest mean absolute error beside the paper's own."""
GOLDEN = {"E": 1.8172, "A": 477.8, "B": 2143.0, "alpha": 0.3473, "beta": 0.3672}
PAPER_7B = {"c4_original": -4.3, "rpj": 0.7, "rw_original": -1.6}
"""Error of Gadre et al.'s law on their five points, percent."""
PAPER_LADDER = {"accuracy": 4.0, "loss": 5.9}
"""Mean absolute errors of Bhagia et al.: points of accuracy, percent of the task loss."""
PAPER_MIXTURES = 0.0086
"""Mean absolute error that Ye et al. report of their explicit law on the whole validation loss, nats: of six of the
mixtures that it is fitted to."""
SIX = 6


def main() -> None:
    """Score what was given."""
    parser = argparse.ArgumentParser()
    for name in PARTS:
        parser.add_argument(f"--{name}", type=Path)
    given = vars(parser.parse_args())
    for name, part in PARTS.items():
        if given[name] is not None:
            for line in part(given[name]):
                print(line, flush=True)


def score_chinchilla(root: Path) -> Iterator[str]:
    """Refit Hoffmann et al.'s points as Besiroglu et al. do."""
    fitted = fit_law(chinchilla(root), LAWS["hoffmann"])
    shown = ", ".join(f"{n} {v:.6g}" for n, v in zip(fitted.law.names, fitted.values, strict=True))
    yield f"Chinchilla, {len(fitted.points)} points: objective {fitted.objective:.9f}; {shown}"
    off = max(abs(v / GOLDEN[n] - 1) for n, v in zip(fitted.law.names, fitted.values, strict=True))
    yield f"  {_mark(off < 2e-3)} published refit: objective 0.001018274; {GOLDEN}; largest difference {off:.2%}"


def score_overtraining(root: Path) -> Iterator[str]:
    """Predict 7B losses from 11-411M models."""
    errors, missed = [], 0
    for data, paper in PAPER_7B.items():
        problem = overtraining(root, data)
        document = fit_points(problem.fitted, REQUEST, problem.wanted)
        row, line = _loss_line(problem, document, 0)
        five = five_points(root, data)
        tied = fit_law(five, LAWS["tied"], Search(starts=100))
        own = np.exp(tied.law.evaluate(tied.theta[None], problem.wanted)[0][0, 0])
        truth = float(np.asarray(problem.wanted.loss)[0])
        yield f"{line}; tied on {len(five)} points {100 * (own / truth - 1):+.1f} %, the paper's {paper:+.1f} %"
        errors.append(abs(row[0]))
        missed += not row[1]
    yield _summary("7B loss", "%", errors, float(np.mean(np.abs(list(PAPER_7B.values())))), missed)


def score_ladder(root: Path) -> Iterator[str]:
    """Predict task losses and accuracies of 7B-4T and 13B-5T from 190M-1.3B models."""
    losses, points, missed = [], [], [0, 0]
    for task in TASKS:
        problem = ladder(root, task)
        document = fit_points(problem.fitted, REQUEST, problem.wanted)
        for i in range(len(problem.wanted)):
            row, line = _loss_line(problem, document, i)
            answer = document["predictions"][i]["accuracy"]
            truth = float(np.asarray(problem.wanted.accuracy)[i])
            inside = answer["low"] <= truth <= answer["high"]
            yield (
                f"{line}; accuracy {truth:.3f}: {answer['value']:.3f} ({answer['low']:.3f} to {answer['high']:.3f}) "
                f"{'inside' if inside else 'OUTSIDE'}, direct {_shown(answer['direct'])}"
            )
            losses.append(abs(row[0]))
            points.append(100 * abs(answer["value"] - truth))
            missed[0] += not row[1]
            missed[1] += not inside
    yield _summary("task loss", "%", losses, PAPER_LADDER["loss"], missed[0])
    yield _summary("accuracy", "points", points, PAPER_LADDER["accuracy"], missed[1])


def score_mixtures(root: Path) -> Iterator[str]:
    """Predict the losses of mixtures of domains, beside the authors' own law: those it is fitted to, and others."""
    held, apart, own, theirs, theirs_apart = [], [], [], [], []
    for problem in mixtures(root):
        document = fit_points(problem.fitted, REQUEST, problem.wanted)
        truth = np.asarray(problem.wanted.loss)
        value = np.array([one["value"] for one in document["predictions"]])
        inside = [one["low"] <= t <= one["high"] for one, t in zip(document["predictions"], truth, strict=True)]
        everything = problem.everything or problem.fitted
        printed = np.array(authors.PRINTED[problem.name])
        shares, loss = np.asarray(everything.shares), np.asarray(everything.loss)
        again = authors.objective(printed, shares, loss) / authors.PRINTED_OBJECTIVE[problem.name] - 1
        yield (
            f"{problem.name}: {document['law']} on {len(problem.fitted)} mixtures, mean error of {len(truth)} others "
            f"{np.abs(value - truth).mean():.4f} nats, {sum(inside)} inside; {document['verdict']['answer']}; the "
            f"authors' printed objective within {abs(again):.1e}"
        )
        held += inside
        apart.append(value - truth)
        refit = fit_points(everything, REQUEST, everything)
        own.append(np.array([one["value"] for one in refit["predictions"]]) - loss)
        theirs.append(authors.predicted(shares, printed) - loss)
        few = authors.fitted(problem.name, np.asarray(problem.fitted.shares), np.asarray(problem.fitted.loss))
        theirs_apart.append(authors.predicted(np.asarray(problem.wanted.shares), few) - truth)
    weights = domain_weights(root)
    whole, beside, new, new_beside = (np.abs(weights @ np.array(part)) for part in (own, theirs, apart, theirs_apart))
    yield _summary("whole validation loss, fitted to all", "nats", list(whole), float(beside.mean()), None)
    yield _summary("whole validation loss, held out", "nats", list(new), float(new_beside.mean()), None)
    out = f"{len(held) - sum(held)} of {len(held)} losses by domain outside their 95 % intervals"
    draw = np.random.default_rng(0)
    six = np.mean([draw.choice(beside, SIX, replace=False).mean() <= PAPER_MIXTURES for _ in range(10_000)])
    yield f"       {out}; on six drawn by chance the authors' law errs by at most {PAPER_MIXTURES} in {six:.0%}"


def _loss_line(problem: Problem, document: Mapping[str, Any], i: int) -> tuple[tuple[float, bool], str]:
    """Percent error and whether inside, and the line that says so."""
    row, truth = document["predictions"][i], float(np.asarray(problem.wanted.loss)[i])
    error, inside = 100 * (row["value"] / truth - 1), row["low"] <= truth <= row["high"]
    weights = ", ".join(f"{one['law']} {one['weight']:.2f}" for one in document["laws"])
    answer = "" if document["verdict"]["holds"] else ", no law holds"
    return (error, inside), (
        f"{problem.targets[i]}: loss {truth:.3f}, predicted {row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f}) "
        f"{'inside' if inside else 'OUTSIDE'}, {error:+.1f} %{answer} [{weights}]"
    )


def _summary(what: str, unit: str, errors: list[float], paper: float, missed: int | None) -> str:
    mean = float(np.mean(errors))
    ratio = mean / paper
    counted = "" if missed is None else f"; {missed} of {len(errors)} targets outside their 95 % intervals"
    return (
        f"  {_mark(ratio <= FACTOR)} {what}: mean absolute error {mean:.3g} {unit}, the paper's {paper:.3g} (ratio "
        f"{ratio:.2f}, at most {FACTOR}){counted}"
    )


def _mark(holds: bool) -> str:
    return "ok  " if holds else "FAIL"


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


PARTS = {
    "chinchilla": score_chinchilla,
    "overtraining": score_overtraining,
    "ladder": score_ladder,
    "mixing": score_mixtures,
}

if __name__ == "__main__":
    main()
