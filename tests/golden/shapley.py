"""Writes shapley.json: Shapley values, SII, k-SII and Shapley-Taylor indices of random games, by the package shapiq.

In an environment of its own (shapiq is no dependency of this project): pip install shapiq==1.4.1; python shapley.py
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from shapiq import ExactComputer


def main() -> None:
    cases = []
    for players, seed in ((2, 1), (3, 2), (4, 3), (5, 4), (6, 5)):
        values = np.random.default_rng(seed).normal(size=2**players).round(6)

        def game(coalitions, values=values):
            numbers = (np.asarray(coalitions, dtype=int) * 2 ** np.arange(coalitions.shape[1])).sum(axis=1)
            return values[numbers]

        computer = ExactComputer(game, n_players=players)
        case = {"values": values.tolist()}
        case["shapley"] = [float(computer("SV", 1)[(i,)]) for i in range(players)]
        pairs = [(i, j) for i in range(players) for j in range(i + 1, players)]
        for index in ("SII", "k-SII", "STII"):
            found = computer(index, 2)
            case[index] = [float(found[pair]) for pair in pairs]
            case[f"{index} singles"] = [float(found[(i,)]) for i in range(players)]
        banzhaf = computer("BII", 2)
        case["banzhaf"] = [float(banzhaf[(i,)]) for i in range(players)]
        case["banzhaf pairs"] = [float(banzhaf[pair]) for pair in pairs]
        cases.append(case)
    text = json.dumps({"source": f"shapiq {version('shapiq')}, exact computation", "cases": cases}, indent=1)
    Path(__file__).with_suffix(".json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
