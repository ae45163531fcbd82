"""The choice of where to run: what is refused, what is read, and that FLOPs of a plan are those of its forecast."""

import sys

import pytest

from gauger.errors import MissingExtraError, UserError
from gauger.execute.cache import Cache
from gauger.execute.execution import Execution, execute, read_needs
from gauger.execute.progress import RunProgress
from gauger.jobs.registry import REGISTRY
from gauger.study.costs import training_flops
from gauger.study.load import open_study, plan_loaded
from gauger.study.plan_forecast import forecast


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ray_address": "auto"}, "--on ray together with --ray-address, got --on local"),
        ({"store": "s3://bucket"}, "--on ray together with --store"),
        ({"needs": {"all": {"gpus": 1}}}, "--on ray together with --need"),
    ],
)
def test_what_only_ray_has_needs_ray(settings, message):
    with pytest.raises(UserError, match=message):
        Execution(**settings)
    assert Execution(on="ray", **settings).on == "ray"


def test_needs_are_read():
    needs = read_needs(["train.gpus=1", "all.memory_gb=2.5", "train.cpus=2"], REGISTRY)
    assert needs == {"train": {"gpus": 1.0, "cpus": 2.0}, "all": {"memory_gb": 2.5}}
    assert read_needs([], REGISTRY) == {}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("trian.gpus=1", "Did you mean 'train'"),
        ("train.gpu=1", "Did you mean 'gpus'"),
        ("train=1", "a kind of job"),
        ("train.gpus=many", "a number from 0 up"),
        ("train.gpus=-1", "a number from 0 up"),
        ("train.gpus=nan", "a number from 0 up"),
        ("train.gpus=inf", "a number from 0 up"),
        ("train.gpus", "got nothing"),
    ],
)
def test_needs_that_make_no_sense(setting, message):
    with pytest.raises(UserError, match=message):
        read_needs([setting], REGISTRY)


def test_without_ray_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"gauger\[ray\]"):
        execute([], Cache(tmp_path), Execution(on="ray"), REGISTRY, {}, RunProgress())


def test_flops_by_job_add_up_to_the_forecast(tiny_study, tmp_path):
    plan, world = plan_loaded(open_study(tiny_study))
    flops = training_flops(plan, world)
    assert sum(flops.values()) == pytest.approx(forecast(plan, world, Cache(tmp_path), 1).training_flops, rel=1e-12)
    assert {plan.jobs[key].kind for key in flops} <= {job.kind for job in plan.jobs.values() if "train" in job.kind}
