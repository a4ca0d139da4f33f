"""Weights are data: nowhere in the project is anything read that could bring code along, nor stored text run."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageanalysis.tests.servers import ROOT

FOLDERS = ("accounts", "analysis", "benchmarks", "imageanalysis", "images", "mlmodels")
# Unpickle, or run what they read.
FORBIDDEN_CALLS = {
    *(
        f"{module}.{name}"
        for module in ("pickle", "cPickle", "_pickle", "dill", "cloudpickle")
        for name in ("load", "loads")
    ),
    *("pickle.Unpickler", "pickle._Unpickler", "pickle._load", "pickle._loads", "dill.Unpickler", "shelve.open"),
    *("joblib.load", "marshal.load", "marshal.loads", "pandas.read_pickle", "numpy.lib.format.read_array"),
    *("torch.jit.load", "torch.export.load", "torch.package.PackageImporter", "torch._inductor.aoti_load_package"),
    *("eval", "exec", "builtins.eval", "builtins.exec"),
}
FORBIDDEN_MODULES = ("dill", "cloudpickle", "joblib", "shelve", "torch.hub", "torch.package", "onnxruntime", "runpy")
NAME_UNKNOWN = "of a name that is not written there"
# Their argument is written out where they are called.
IMPORTS_BY_NAME = {"importlib.import_module", "__import__", "importlib.__import__", "builtins.__import__"}


def sources() -> Iterator[Path]:
    yield from (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    yield from ROOT.glob("*.py")


def findings(source: str) -> list[str]:
    tree = ast.parse(source)
    names = _imported(tree)
    found = [f"line {getattr(node, 'lineno', 0)}: {what}" for node in ast.walk(tree) for what in _found_at(node, names)]
    return sorted(found)


def _imported(tree: ast.AST) -> dict[str, str]:
    """What the names of a module stand for: `import torch as t`, `from torch import load as l`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _found_at(node: ast.AST, names: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from (f"imports {name}" for name in _modules(node) if _is_forbidden_module(name))
    elif isinstance(node, ast.Attribute) and _is_forbidden_module(_full_name(node, names)):
        yield f"uses {_full_name(node, names)}"
    elif isinstance(node, ast.keyword):
        yield from _in_keyword(node)
    elif isinstance(node, ast.Call):
        yield from _in_call(node, _full_name(node.func, names))


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]


def _is_forbidden_module(name: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in FORBIDDEN_MODULES)


def _in_keyword(node: ast.keyword) -> Iterator[str]:
    is_true = not (isinstance(node.value, ast.Constant) and node.value.value is False)
    if node.arg in ("trust_remote_code", "allow_pickle") and is_true:
        yield f"{node.arg} is not False"
    if node.arg == "weights_only" and not _is_true(node.value):
        yield "weights_only is not True"


def _in_call(node: ast.Call, name: str) -> Iterator[str]:
    if name in FORBIDDEN_CALLS:
        yield name
    if name in ("torch.load", "torch.serialization.load") and not any(
        keyword.arg == "weights_only" and _is_true(keyword.value) for keyword in node.keywords
    ):
        yield "torch.load without weights_only=True"
    if name in IMPORTS_BY_NAME and not (node.args and isinstance(node.args[0], ast.Constant)):
        yield f"{name} {NAME_UNKNOWN}"


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _full_name(node: ast.AST, names: dict[str, str]) -> str:
    """`t.jit.load` with `import torch as t` is torch.jit.load."""
    if isinstance(node, ast.Attribute):
        return f"{_full_name(node.value, names)}.{node.attr}"
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def test_nothing_in_the_project_unpickles_or_runs_what_was_stored() -> None:
    """A benchmark chooses among its own modules by name, which no user has a say in."""
    found = {str(path.relative_to(ROOT)): findings(path.read_text(encoding="utf-8")) for path in sources()}
    for path, lines in found.items():
        if path.startswith("benchmarks/"):
            found[path] = [line for line in lines if not line.endswith(NAME_UNKNOWN)]
    assert {path: lines for path, lines in found.items() if lines} == {}
    assert len(found) > 100


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.load(path)",
        "import torch\ntorch.load(path, weights_only=False)",
        "import torch\ntorch.load(path, weights_only=trusted)",
        "import torch\ntorch.load(path, **settings)",
        "from torch import load\nload(path)",
        "from torch import load as read\nread(path)",
        "import torch as t\nt.jit.load(path)",
        "import torch\ntorch.export.load(path)",
        "import torch\ntorch.hub.load('owner/name', 'network')",
        "from torch import hub",
        "from torch.hub import load_state_dict_from_url",
        "import pickle\npickle.load(file)",
        "from pickle import loads\nloads(content)",
        "import pickle as p\np.Unpickler(file)",
        "import joblib",
        "import dill",
        "import marshal\nmarshal.loads(content)",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "eval(row.text)",
        "exec(row.text)",
        "import importlib\nimportlib.import_module(row.architecture)",
        "from importlib import import_module\nimport_module(f'{name}.models')",
        "__import__(name)",
    ],
)
def test_the_search_finds(source: str) -> None:
    assert findings(source)


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.load(path, weights_only=True)",
        "import json\njson.load(file)",
        "import numpy as np\nnp.load(path, allow_pickle=False)",
        "from importlib import import_module\nimport_module('torchvision.models')",
        "model.eval()",
        "engine.load(key)",
        "import pickle\npickle.dumps(1)",
    ],
)
def test_the_search_lets_through(source: str) -> None:
    assert not findings(source)
