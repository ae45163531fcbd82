"""Parts by name: our own, those of other packages, and what is said where a name is taken, unknown or leads nowhere."""

import sys
from importlib.metadata import EntryPoint

import pytest

from gauger import plugs
from gauger.elicit.strategies.registry import STRATEGIES
from gauger.errors import GaugerError, UserError
from gauger.execute.code import code_version
from gauger.plugs import Registry, load_target
from gauger.worlds.registry import WORLDS

OWN = {"square": "math:sqrt", "text": "json:dumps"}


@pytest.fixture
def offer(monkeypatch):
    """Let other packages offer parts, as their entry points would."""

    def offered(*parts):
        points = [EntryPoint(name, value, "test.parts") for name, value in parts]
        monkeypatch.setattr(plugs, "entry_points", lambda group: points if group == "test.parts" else [])
        return Registry("a part", "test.parts", OWN)

    return offered


def test_parts_of_other_packages_stand_behind_our_own(offer):
    parts = offer(("zeta", "math:floor"), ("alpha", "math:ceil"))
    assert list(parts) == ["square", "text", "alpha", "zeta"]
    assert len(parts) == 4
    assert "alpha" in parts
    assert "beta" not in parts
    assert parts["alpha"] == "math:ceil"
    assert parts.load("alpha")(1.5) == 2
    assert parts.load("square")(9) == 3


def test_entry_points_of_another_group_are_not_taken(offer):
    offer(("alpha", "math:ceil"))
    assert list(Registry("another", "test.others", OWN)) == list(OWN)


@pytest.mark.parametrize(
    "parts", [[("square", "math:cbrt")], [("alpha", "math:ceil"), ("alpha", "math:floor")]], ids=["ours", "theirs"]
)
def test_a_name_that_is_taken_is_refused_with_both_who_offer_it(offer, parts):
    with pytest.raises(GaugerError, match=r"a part named '\w+' is offered twice: by math:\w+ and by math:\w+"):
        offer(*parts).load("text")


def test_the_same_part_offered_twice_is_one(offer):
    assert len(offer(("square", "math:sqrt"), ("alpha", "math:ceil"), ("alpha", "math:ceil"))) == 3


def test_an_unknown_name_is_told_the_nearest_and_what_there_is(offer):
    with pytest.raises(UserError, match=r"a part.*'squar'.*Did you mean 'square'"):
        offer().load("squar")
    with pytest.raises(UserError, match=r"'wholly else'.*square, text"):
        offer()["wholly else"]


@pytest.mark.parametrize("target", ["math:nothing", "math"])
def test_a_part_that_leads_nowhere_is_said(target):
    with pytest.raises(GaugerError, match="names nothing"):
        load_target(target)


def test_knowing_which_parts_there_are_imports_none(offer):
    parts = offer(("alpha", "no_such_package.at_all:Part"))
    assert "alpha" in list(parts)
    assert "no_such_package" not in sys.modules
    with pytest.raises(ModuleNotFoundError):
        parts.load("alpha")


@pytest.mark.parametrize("registry", [STRATEGIES, WORLDS], ids=lambda registry: registry.what)
def test_every_part_of_ours_is_there_and_its_code_can_be_told(registry):
    versions = {name: code_version([registry[name]]) for name in registry.own}
    assert all(registry.load(name) is not None for name in registry.own)
    assert len({target.partition(":")[0] for target in registry.own.values()}) == len(set(versions.values()))
