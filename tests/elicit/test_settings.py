"""A folder is gone on with under the settings that it was begun with."""

import pytest

from gauger.elicit.settings import claim
from gauger.errors import UserError


def test_the_same_settings_in_any_order_go_on(tmp_path):
    assert claim(tmp_path / "new", {"a": 1, "b": {"c": None, "d": 2.5}}) is False
    assert claim(tmp_path / "new", {"b": {"d": 2.5, "c": None}, "a": 1}) is True


def test_every_setting_that_differs_is_named(tmp_path):
    claim(tmp_path / "new", {"a": 1, "b": {"c": None, "d": 2}, "gone": "x" * 99})
    with pytest.raises(UserError) as caught:
        claim(tmp_path / "new", {"a": 2, "b": {"c": "y", "d": 2}, "more": True})
    assert "a 2 instead of 1; b.c y instead of none; gone none instead of xxx" in str(caught.value)
    assert "more True instead of none" in str(caught.value)
    assert "x" * 58 not in str(caught.value)


def test_an_empty_folder_is_taken_and_another_ones_is_not(tmp_path):
    assert claim(tmp_path, {"a": 1}) is False
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(UserError, match="a folder with other files in it"):
        claim(tmp_path / "other", {"a": 1})
    with pytest.raises(UserError, match="an existing file"):
        claim(tmp_path / "other" / "file", {"a": 1})
