"""What a trainer left: the model that was to be trained, whole, of numbers, and changed; everything else is refused."""

import json
import struct

import pytest
from safetensors.torch import load_file, save_file
from tests.train.models import ALL, small_llama, small_tokenizer

from gauger.errors import GaugerError, InputError
from gauger.train.engine import Adapter
from gauger.train.external.outcome import find_output, take_over
from gauger.train.hf import ENGINE
from gauger.train.loop import Options
from gauger.train.text import train_on_text


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    place = tmp_path_factory.mktemp("start")
    small_llama().save_pretrained(str(place))
    small_tokenizer().save_pretrained(str(place))
    return place


@pytest.fixture
def output(tmp_path):
    place = tmp_path / "output"
    small_llama(seed=1).save_pretrained(str(place))
    return place


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def changed(output, change):
    weights = load_file(output / "model.safetensors")
    change(weights)
    save_file(weights, output / "model.safetensors", metadata={"format": "pt"})


def test_the_model_is_taken_and_nothing_else_and_a_tokenizer_is_lent(start, output, out):
    for name in ("training_args.bin", "trainer_state.json", "optimizer.pt", "README.md"):
        (output / name).write_text("{}")
    (output / "checkpoint-3").mkdir()
    (output / "checkpoint-3" / "model.safetensors").write_text("")
    digests = take_over(output, start, out)
    assert list(digests) == ["model.safetensors"]
    assert {path.name for path in out.iterdir()} == {
        *("config.json", "generation_config.json", "model.safetensors"),
        *("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"),
    }
    assert ENGINE.load(out).encode_prompt("2+2=") == ENGINE.load(start).encode_prompt("2+2=")


def test_an_unchanged_model_is_refused(start, out):
    with pytest.raises(InputError, match="a model that was trained, got the one that it started from"):
        take_over(start, start, out)


def test_an_unchanged_model_is_taken_where_nothing_could_be_learnt_and_nothing_else_is_let_through(start, output, out):
    assert take_over(start, start, out, may_stay=True)
    changed(output, lambda weights: next(iter(weights.values())).fill_(float("nan")))
    with pytest.raises(InputError, match="weights that are numbers"):
        take_over(output, start, out, may_stay=True)


def test_one_changed_weight_is_a_training(start, output, out):
    small_llama().save_pretrained(str(output))
    changed(output, lambda weights: weights["model.norm.weight"].add_(1e-3))
    assert take_over(output, start, out)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(start, output, out, number):
    def spoil(weights):
        weights["model.layers.2.mlp.up_proj.weight"][0, 0] = number

    changed(output, spoil)
    with pytest.raises(InputError, match=r"NaN or an infinity in model\.layers\.2\.mlp\.up_proj\.weight"):
        take_over(output, start, out)


def test_another_model_is_refused(start, output, out):
    config = json.loads((output / "config.json").read_text()) | {"num_hidden_layers": 2}
    (output / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="num_hidden_layers 2 in place of 3"):
        take_over(output, start, out)


def test_a_cut_file_is_refused(start, output, out):
    path = output / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="a file of"):
        take_over(output, start, out)


def test_pickled_weights_are_refused(start, output, out):
    (output / "model.safetensors").unlink()
    (output / "pytorch_model.bin").write_bytes(struct.pack("<Q", 0))
    with pytest.raises(GaugerError, match="no model in safetensors"):
        find_output(str(output))


def adapted(start, output, steps):
    student = ENGINE.load(start)
    options = Options(1, adapter=Adapter(2, 4))
    student = train_on_text(student, ALL, student.defaults.schedule(steps, 0.01), options).model
    student.save(output)
    (output / "gauger.json").unlink()  # another trainer's adapter names no digest


def test_an_adapter_is_taken_alone_and_an_untrained_one_refused(start, tmp_path, out):
    adapted(start, tmp_path / "adapter", 2)
    assert list(take_over(tmp_path / "adapter", start, out)) == ["adapter_model.safetensors"]
    assert ENGINE.load(out, start).n_parameters == ENGINE.load(start).n_parameters
    adapted(start, tmp_path / "fresh", 0)
    with pytest.raises(InputError, match="a model that was trained"):
        take_over(tmp_path / "fresh", start, out)


def test_the_last_name_that_fits_is_the_output(tmp_path):
    for name in ("epoch_9", "epoch_10", "epoch_11"):
        (tmp_path / "out" / name).mkdir(parents=True)
    for name in ("epoch_9", "epoch_10"):
        (tmp_path / "out" / name / "model.safetensors").write_text("")
    assert find_output(str(tmp_path / "out" / "epoch_*")) == tmp_path / "out" / "epoch_10"
    with pytest.raises(GaugerError, match=r"no model in safetensors lies where .*epoch_99"):
        find_output(str(tmp_path / "out" / "epoch_99"))
