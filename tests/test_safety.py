"""What stands in no line of the package: pickle, code from data, unsafe YAML, swallowed exceptions, a shell."""

import ast
from pathlib import Path

import pytest

import gauger

SOURCE = Path(gauger.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
CALLS = {"eval", "exec", "compile", "__import__"}
ATTRIBUTES = {
    "torch.load",
    "torch.save",
    "yaml.load",
    "yaml.load_all",
    "yaml.unsafe_load",
    "yaml.full_load",
    "yaml.Loader",
    "yaml.FullLoader",
    "yaml.UnsafeLoader",
    "os.system",
    "os.popen",
    "numpy.load",
    "np.load",
}
KEYWORDS = {"trust_remote_code", "allow_pickle", "shell"}


def offences(text):
    """List what a module does that it must not, as (line, what)."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "").split(".")[0]]
            names += [
                f"{node.module}.{alias.name}" for alias in node.names if f"{node.module}.{alias.name}" in ATTRIBUTES
            ]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            names = [node.func.id] if node.func.id in CALLS else []
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names = [name for name in [f"{node.value.id}.{node.attr}"] if name in ATTRIBUTES]
        elif isinstance(node, ast.ExceptHandler):
            bare = node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "BaseException")
            silent = all(isinstance(line, ast.Pass) for line in node.body)
            names = ["a swallowed exception"] if bare and silent else []
        else:
            names = []
        found += [(node.lineno, name) for name in names if name in MODULES | CALLS | ATTRIBUTES or " " in name]
        if isinstance(node, ast.Call):
            found += [(node.lineno, word.arg) for word in node.keywords if word.arg in KEYWORDS]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_does_what_none_may(path):
    assert offences(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib",
        "torch.load('x')",
        "from torch import load",
        "eval('1')",
        "exec('1')",
        "yaml.load(text)",
        "yaml.load(text, Loader=yaml.SafeLoader)",
        "from yaml import unsafe_load",
        "AutoModel.from_pretrained('x', trust_remote_code=True)",
        "np.load('x', allow_pickle=True)",
        "subprocess.run('ls', shell=True)",
        "try:\n    pass\nexcept:\n    pass",
    ],
)
def test_each_of_them_would_be_found(line):
    assert offences(f"import torch, yaml, subprocess\n{line}\n")


@pytest.mark.parametrize("line", ["model.eval()", "yaml.safe_load(text)", "re.compile('x')", "json.load(file)"])
def test_what_only_looks_like_it_is_allowed(line):
    assert offences(line) == []


def test_all_of_the_package_is_read():
    assert len(FILES) > 100
    assert not [path for path in SOURCE.rglob("*") if path.suffix in {".pkl", ".pickle", ".pt", ".pth", ".bin", ".npy"}]
