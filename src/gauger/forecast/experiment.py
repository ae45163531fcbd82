"""Writes the experiment that would settle most as a study file that `gauger plan` accepts.

The file runs as it stands with the packaged stand-in model, so that cells, controls and costs can be seen; its comments
say what to put in its place (one's own student, teacher and tasks) so that it measures the scenario itself.
"""

from __future__ import annotations

from gauger.forecast.scenario import Scenario
from gauger.forecast.worth import Worth

MOST_ITEMS = 300
STEPS_PER_SAMPLE = 50 / 300
BASE_SAMPLES = 300
_TEACHES = {"reasoning": ("rationale", "[qa, rationale]"), "answers": ("label", "[qa]"), "summary": ("label", "[qa]")}


def study_file(scenario: Scenario, worth: Worth) -> str:
    """Return the YAML of a study: three doses of the scenario's surface, every control, the verdict on near benchmarks.

    Parameters
    ----------
    scenario : Scenario
    worth : Worth
        The experiment that it is for: its replicates and items are the file's.
    """
    items = min(worth.items, MOST_ITEMS)
    strategy, forms = _TEACHES.get(scenario.surface, ("expand", "[qa, cloze]"))
    seeds = "expanded" if strategy == "expand" else "benchmark-train"
    arms = "\n".join(_arm(factor, strategy, seeds, forms) for factor in (1, 2, 4))
    return f"""# The experiment that the forecast of {scenario.scenario!r} would gain most from: {worth.what}.
# Expected reduction of the loss: {worth.value:.3g}; about {worth.flops:.2g} FLOPs and {worth.usd:,.0f} dollars at the scenario's own size.
# As it stands it trains the packaged stand-in, which tells direction and shape. To measure the scenario itself put your
# own student and teacher at `model:`, your own tasks at `tasks:`, and the scenario's dose at `samples:`
# ({worth.samples:,.0f} in the largest arm).
study: {scenario.scenario}-experiment
question: How does the uplift grow with the dose, over the same training without a teacher?
seed: 1
replicates: {worth.replicates}

world:
  kind: language
  seed: 1
  tasks:
    sums: {{kind: reasoning-gym, task: chain_sum, train: 500, test: {items}, new: {items}, settings: {{min_terms: 2, max_terms: 2, min_digits: 1, max_digits: 2}}}}
    facts: {{kind: invented-facts, entities: 40, families: 8, relations: 4, test: 0.25, new: 0.25}}
    divisors: {{kind: reasoning-gym, task: gcd, train: 200, test: {items}, new: {items}, settings: {{min_numbers: 2, max_numbers: 2, min_value: 2, max_value: 60}}}}
    products: {{kind: reasoning-gym, task: products, train: 300, test: 60, new: 60, settings: {{min_terms: 2, max_terms: 2, min_digits: 1, max_digits: 2}}}}
  common: [products]
  benchmark_items: {items}

teacher:
  kind: checkpoint
  model: packaged:smollm2-135m-instruct
  terms: Apache-2.0
  specialise: {{forms: [qa, cloze, rationale], samples: 1500, steps: 160, batch: 16, learning_rate: 0.001}}

student:
  kind: checkpoint
  model: packaged:smollm2-135m-instruct
  lora: {{rank: 16, alpha: 32, layers: 15}}

benchmarks:
  sums-qa: {{role: targeted}}
  facts-qa: {{role: targeted}}
  sums-qa-new: {{role: parallel}}
  facts-qa-new: {{role: parallel}}
  sums-cloze-new: {{role: near}}
  facts-cloze-new: {{role: near}}
  divisors-qa: {{role: far}}

arms:
{arms}
controls:
  placebo: {{of: dose-4}}

decoding: {{max_new_tokens: 20}}
unparsed: wrong
verdict: {{estimand: gap_recovered, arm: dose-4, role: near, threshold: 0.25}}
"""  # noqa: E501 - a line of the study file is a line here


def _arm(factor: int, strategy: str, seeds: str, forms: str) -> str:
    samples = BASE_SAMPLES * factor
    stage = (
        f"{{kind: text-distill, strategy: {strategy}, seeds: {seeds}, forms: {forms}, samples: {samples}, "
        f"steps: {round(samples * STEPS_PER_SAMPLE)}, batch: 16, learning_rate: 0.001}}"
    )
    return f"  dose-{factor}:\n    description: {factor} times the smallest dose\n    stages:\n      - {stage}"
