"""A change of what is shown asks nothing again; one of what is generated does; pace, place and price change nothing."""

import json
from collections import Counter

import polars as pl
import pytest
from tests.elicit.api.batch_server import BatchServer
from tests.elicit.teacher.answering import Answering
from tests.elicit.teacher.fault_server import FaultServer, completion, encoded
from tests.jobs.running import Doing
from tests.jobs.test_language import folder, study  # noqa: F401 - a fixture
from tests.train.models import small_llama, tokenizer
from tests.worlds.language.small import small_world

from gauger.cli import main
from gauger.elicit.corpus import Text
from gauger.elicit.world_corpus import Wanted, answer_prompts
from gauger.errors import UserError
from gauger.study.load import open_study, plan_loaded
from gauger.train.hf.models import write_checkpoint

PRICES = "usd_per_million_in: 1, usd_per_million_out: 10"


class Teacher(FaultServer):
    """Thinks before it answers, and keeps what it was asked."""

    def __init__(self):
        super().__init__(answer=self.says)
        self.asked = Counter()

    def says(self, _, body):
        prompt = body["messages"][-1]["content"]
        self.asked[prompt, body["temperature"]] += 1
        return (
            200,
            {},
            encoded(completion(body, f"First I wonder.</think>\n\nIt is {len(prompt)} or so.", reasoning="Hm.")),
        )


@pytest.fixture
def server():
    with Teacher() as found:
        yield found


@pytest.fixture
def asking(folder, tmp_path):  # noqa: F811
    """Does the jobs of a study that ask the teacher, all below one folder as one run does."""

    def done(url, *overrides, what=("ask-teacher",), **teacher):
        given = {"kind": "endpoint", "url": f"'{url}'", "model": "m", **teacher}
        described = "{" + ", ".join(f"{name}: {value}" for name, value in given.items()) + f", {PRICES}}}"
        plan, world = plan_loaded(open_study(study(folder, "asked", teacher=described), overrides))
        doing = Doing.__new__(Doing)
        doing.plan, doing.world, doing.folder, doing._n, doing._done = plan, world, tmp_path, 0, {}
        doing.entries = tmp_path / "jobs" / "entries"
        doing.entries.mkdir(parents=True, exist_ok=True)
        jobs = [job for job in plan.jobs.values() if job.kind in what and set(job.inputs) <= {"helper", "helper_base"}]
        return [(job.key, doing.of(job.key)) for job in jobs]

    return done


def corpus(directory):
    return pl.read_parquet(directory / "corpus.parquet")["answer"].to_list()


def test_a_view_asks_nothing_again_and_changes_what_is_learnt(asking, server, tmp_path):
    seen = {}
    for name, surface in {
        "hidden": "{reasoning: hidden}",
        "shown": "{reasoning: shown}",
        "short": "{defence: shorten, strength: 0.5}",
        "off": "{defence: shorten, strength: 0}",
    }.items():
        ((key, out),) = asking(server.url, surface=surface)
        journals = {path.name: path.read_bytes() for path in (tmp_path / "jobs" / "journals").glob("*.jsonl")}
        seen[name] = key, corpus(out), journals
        assert sum(server.asked.values()) == 6, "every view is of the same six replies"
    assert all("It is" in one and "wonder" not in one and "Hm." not in one for one in seen["hidden"][1])
    assert all("<think>\nHm.\n\nFirst I wonder.\n</think>\n\nIt is" in one for one in seen["shown"][1])
    assert [len(one.split()) for one in seen["short"][1]] == [3] * 6, "of five words"
    assert seen["off"][1] == seen["hidden"][1]
    assert len({key for key, _, _ in seen.values()}) == 4
    assert len({json.dumps(corpus) for _, corpus, _ in seen.values()}) == 3
    assert len({frozenset(journals.items()) for _, _, journals in seen.values()}) == 1, "raw replies are byte-equal"


def test_a_generation_has_replies_of_its_own(asking, server, tmp_path):
    asking(server.url)
    asking(server.url, surface="{defence: heat, strength: 0.5}")
    asking(server.url, surface="{defence: heat, strength: 0.5, reasoning: shown}")
    assert Counter(heat for _, heat in server.asked.elements()) == {0.0: 6, 1.0: 6}
    assert len(list((tmp_path / "jobs" / "journals").glob("*.jsonl"))) == 2


def test_another_model_rewrites_an_endpoints_replies_and_one_of_other_weights_does_so_anew(asking, server, tmp_path):
    """Helpers of random weights never come to an end: what they write again is dropped as cut off, and was paid."""
    surface = f"{{defence: rewrite, helper: '{tmp_path / 'helper'}'}}"
    asking(server.url)
    asked = [sum(server.asked.values())]
    for seed in (3, 7, 7):
        write_checkpoint(small_llama(seed), tokenizer(), tmp_path / "helper")
        ((_, out),) = asking(server.url, surface=surface)
        ledger = pl.read_parquet(out / "ledger.parquet")
        assert set(ledger["dropped"]) == {"truncated"}
        assert ledger["queries"].sum() == ledger.height, "the helper's are not the customer's"
        asked.append(sum(server.asked.values()))
    assert asked[0] == 6
    assert asked[2] - asked[1] == asked[1] - asked[0] == ledger.height, "each helper's replies are its own"
    assert asked[3] == asked[2], "and are asked for once"
    assert all(heat == 0.0 and "Rewrite" not in prompt for prompt, heat in server.asked)


def test_a_policy_answers_in_the_order_of_the_queries_whatever_the_pace(asking, server):
    kept = []
    for concurrency in (1, 16):
        ((_, out),) = asking(server.url, surface="{defence: ration, strength: 0.5}", concurrency=concurrency)
        ledger = pl.read_parquet(out / "ledger.parquet")
        kept.append(ledger["dropped"].to_list())
        assert ledger.filter(dropped="refused")["queries"].sum() == 0
    assert kept[0] == kept[1]
    assert kept[0].count("refused") >= 5


@pytest.mark.parametrize(
    "change", [{"concurrency": 3}, {"requests_per_minute": 100000}, {"tokens_per_minute": 10000000}]
)
def test_how_fast_and_where_it_is_asked_changes_no_address(asking, server, change):
    ((before, _),) = asking(server.url)
    ((after, _),) = asking(server.url.replace("127.0.0.1", "localhost"), **change)
    assert before == after
    assert sum(server.asked.values()) == 6


@pytest.mark.parametrize(
    ("overrides", "teacher"),
    [
        (("teacher.usd_per_million_out=20",), {}),
        ((), {"terms": "other"}),
        ((), {"surface": "{max_usd: 5}"}),
        ((), {"surface": "{max_queries: 50}"}),
    ],
)
def test_prices_terms_and_larger_budgets_ask_nothing_again(asking, server, overrides, teacher):
    ((before, first),) = asking(server.url)
    ((after, second),) = asking(server.url, *overrides, **teacher)
    assert before != after, "the ledger says what it costs now"
    assert corpus(first) == corpus(second)
    assert sum(server.asked.values()) == 6


def test_a_benchmark_or_samples_that_are_added_ask_for_what_is_new_alone(asking, server):
    few = "benchmarks={sums-qa: {role: targeted}, sums-qa-new: {role: near}}"
    asking(server.url, few, what=("measure",))
    before = sum(server.asked.values())
    asking(server.url, what=("measure",))
    assert (before, sum(server.asked.values())) == (8, 16)
    asking(server.url, "decoding.max_new_tokens=7", what=("measure",))
    assert sum(server.asked.values()) == 32, "what is asked otherwise is asked"
    asking(server.url, "arms.label.stages.0.samples=4")
    asking(server.url)
    assert sum(server.asked.values()) == 32 + 6, "four of the six were known"


def test_another_model_or_another_seed_is_asked(asking, server):
    asking(server.url)
    asking(server.url, model="other")
    assert sum(server.asked.values()) == 12


def test_measuring_the_teacher_costs_what_the_plan_says_and_no_more_than_the_budget(asking, server, folder, capsys):  # noqa: F811
    ((_, out),) = asking(server.url, what=("measure",))
    assert sum(server.asked.values()) == 16
    assert pl.read_parquet(out / "records.parquet")["outcome"].null_count() == 0
    path = study(
        folder,
        "asked",
        teacher=f"{{kind: endpoint, url: '{server.url}', model: m, {PRICES}, surface: {{max_queries: 2}}}}",
    )
    assert main(["plan", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["teacher_queries"], said["measuring_queries"]) == (2 + 16, 16)
    assert main(["plan", str(path)]) == 0
    assert "18 queries" in (text := capsys.readouterr().out)
    assert "16 of the queries to measure it" in text
    # 60 tokens out at the most for each of 16 items are far more than a hundredth of a cent buys
    ((_, poor),) = asking(server.url, what=("measure",), model="poor", surface="{max_usd: 0.0005}")
    assert sum(server.asked.values()) < 16 + 16
    outcomes = pl.read_parquet(poor / "records.parquet")["outcome"].value_counts()
    assert dict(outcomes.iter_rows())["failed"] > 0, "what the budget did not allow is failed, never wrong"


def test_a_recording_is_held_to_its_budget_and_gives_no_generation(asking, server, folder, tmp_path, capsys):  # noqa: F811
    asking(server.url)
    (journal,) = (tmp_path / "jobs" / "journals").glob("*.jsonl")

    path = study(folder, "replayed", teacher=f"{{kind: replay, directory: '{journal}', surface: {{max_queries: 3}}}}")
    plan, world = plan_loaded(open_study(path))
    (job,) = (job for job in plan.jobs.values() if job.kind == "ask-teacher")
    ledger = pl.read_parquet(Doing(plan, world, tmp_path / "replayed").of(job.key) / "ledger.parquet")
    assert ledger["queries"].sum() == 3
    assert "budget" in (tmp_path / "replayed" / "jobs" / "entries" / job.key / "notes.json").read_text()
    path = study(folder, "heated", teacher=f"{{kind: replay, directory: '{journal}', surface: {{defence: heat}}}}")
    assert main(["plan", str(path)]) == 2
    assert "expected a view or a policy over recorded replies, got the generation heat:1" in capsys.readouterr().err


def test_a_defence_that_cannot_say_what_it_shows_of_log_probabilities_is_refused(folder, capsys):  # noqa: F811
    local = "{{kind: checkpoint, model: model, surface: {{log_probabilities: full, defence: {}, strength: {}}}}}"
    for defence, strength, code in (("shorten", 0.5, 2), ("shorten", 0, 0), ("round", 0.5, 0), ("heat", 0.5, 2)):
        path = study(folder, "soft-defended", teacher=local.format(defence, strength), kind="logit-distill")
        assert main(["plan", str(path)]) == code
    assert "teacher.surface.defence: expected a defence that says what it shows" in capsys.readouterr().err


def test_no_text_is_distilled_by_log_probabilities_over_an_interface(folder, server, capsys):  # noqa: F811
    shows = f"{{kind: endpoint, url: '{server.url}', model: m, surface: {{log_probabilities: top-k, top_k: 5}}}}"
    assert main(["plan", str(study(folder, "soft-far", teacher=shows, kind="logit-distill"))]) == 2
    assert "expected a teacher at hand (checkpoint or scratch) for logit-distill" in capsys.readouterr().err


def test_cached_and_reasoning_tokens_have_prices_of_their_own(asking, server):
    details = {"prompt_tokens_details": {"cached_tokens": 6}, "completion_tokens_details": {"reasoning_tokens": 3}}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, **details}
    server.answer = lambda _, body: (200, {}, encoded(completion(body, "It is 4.") | {"usage": usage}))
    costs = []
    for more in ({}, {"usd_per_million_cached": 0.5, "usd_per_million_reasoning": 20}):
        ((_, out),) = asking(server.url, **more)
        costs.append(pl.read_parquet(out / "ledger.parquet").select("cost_usd", "cost_most_usd").sum().row(0))
    assert len(server.bodies) == 6, "other prices ask nothing again"
    # 10 x 1 + 5 x 10, and 4 x 1 + 6 x 0.5 + 2 x 10 + 3 x 20, for each of six
    assert costs[0] == pytest.approx((6 * 60e-6,) * 2)
    assert costs[1] == pytest.approx((6 * 87e-6,) * 2)


def test_batches_have_a_price_of_their_own_and_ask_nothing_again(asking, server, folder, capsys):  # noqa: F811
    costs, planned = [], []
    with BatchServer(lambda _, body: (200, completion(body, "It is 4."))) as batches:
        for more in ({"batch": "true"}, {"batch": "true", "batch_price": 0.25}):
            ((_, out),) = asking(batches.url, **more)
            costs.append(pl.read_parquet(out / "ledger.parquet")["cost_usd"].sum())
    ((_, out),) = asking(server.url)
    assert not server.asked, "asked one by one, nothing is asked again"
    assert (len(batches.batches), batches.paid.total()) == (1, 6)
    # 7 x 1 + 5 x 10 for each of six
    assert costs == pytest.approx([6 * 57e-6 / 2, 6 * 57e-6 / 4])
    for more in ("", ", batch: true", ", batch: true, batch_price: 0.25"):
        teacher = f"{{kind: endpoint, url: '{server.url}', model: m, {PRICES}{more}}}"
        assert main(["plan", str(study(folder, "asked", teacher=teacher)), "--json"]) == 0
        planned.append(json.loads(capsys.readouterr().out)["usd"])
    assert planned == pytest.approx([planned[0], planned[0] / 2, planned[0] / 4])


def test_the_plan_says_what_queries_cost_from_one_token_to_the_longest_answer(server, folder, capsys):  # noqa: F811
    teacher = f"{{kind: endpoint, url: '{server.url}', model: m, {PRICES}}}"
    assert main(["plan", str(study(folder, "asked", teacher=teacher)), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    spread = said["teacher_queries"] * (6 - 1) * 10 / 1e6  # 6 tokens at most, at 10 dollars a million
    assert said["usd"] - said["usd_least"] == pytest.approx(spread)
    assert main(["plan", str(study(folder, "asked", teacher=teacher))]) == 0
    assert f"{said['usd_least']:.4f} to {said['usd']:.4f} USD" in capsys.readouterr().out


def test_filters_of_an_arm_that_the_base_teaches_are_of_the_bases_answers(folder):  # noqa: F811
    stage = "kind: text-distill, seeds: benchmark-train, forms: [qa], samples: 6, steps: 2, batch: 4, filters: [short]"
    own = f"arms.own={{stages: [{{{stage}, strategy: self, learning_rate: 0.01}}]}}"
    path = study(folder, "own", teacher="{kind: checkpoint, model: model}")
    plan, _ = plan_loaded(open_study(path, (own, "arms.label.stages.0.filters=[short]")))
    asked = [(job.kind, job.params["filters"]) for job in plan.jobs.values() if job.kind in ("ask-teacher", "ask-base")]
    assert ("ask-teacher", ["short"]) in asked, "a teacher's answers"
    assert ("ask-base", []) in asked, "a placebo answers the prompts that were kept"
    assert ("ask-base", ["short"]) in asked
    assert ("ask-teacher", []) in asked, "what the teacher says chooses no prompts for the base"


@pytest.mark.parametrize(("name", "outcome"), [("right", "answered"), ("no-such-filter", None)])
def test_a_filter_of_the_bases_answers_drops_them(name, outcome):
    world, wanted = small_world(), Wanted("self", ("qa",), 4, ("sums",), 8, filters=(name,))
    prompts = [Text(item.prompt, "", whole=False) for item in world.benchmark("sums-qa").items[:4]]
    if outcome is None:
        with pytest.raises(UserError, match="a filter"):
            answer_prompts(world, Answering(lambda _: " 0"), prompts, wanted, 1)
        return
    corpus = answer_prompts(world, Answering(lambda _: " -1"), prompts, wanted, 1)
    assert {sample.dropped for sample in corpus.samples} <= {"right", "overlap"}
    assert not corpus.kept
