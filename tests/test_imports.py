"""Importing does nothing: it is quick, and every public name is there when asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import textgraft

HEAVY = (
    "torch",
    "sklearn",
    "transformers",
    "matplotlib",
    "numpy",
    "scipy",
    "pyarrow",
    "sentence_transformers",
)


def _modules_after(statement: str) -> set[str]:
    script = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_textgraft_imports_nothing_heavy() -> None:
    loaded = _modules_after("import textgraft; dir(textgraft); textgraft.__version__")
    assert "textgraft" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_errors_and_method_names_need_no_torch() -> None:
    loaded = _modules_after("import textgraft; textgraft.DataError; textgraft.METHODS; textgraft.AtCoverage")
    assert loaded.isdisjoint({"torch", "transformers", "matplotlib", "sentence_transformers"})


def test_looking_up_every_method_needs_no_torch() -> None:
    statement = "import textgraft.methods as m; [m.method_class(name) for name in m.METHODS]"
    assert _modules_after(statement).isdisjoint({"torch", "transformers", "matplotlib", "accelerate"})


def test_a_method_without_an_encoder_needs_no_torch() -> None:
    statement = (
        "import textgraft\ntextgraft.TfidfClassifier().fit(['a b', 'c d'] * 3, [0, 1] * 3).predict(['a'])"
    )
    assert _modules_after(statement).isdisjoint({"torch", "transformers", "matplotlib"})


@pytest.mark.parametrize("name", textgraft.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(textgraft, name) is not None
    assert name in dir(textgraft)


def test_names_are_listed_once_and_in_order() -> None:
    assert len(set(textgraft.__all__)) == len(textgraft.__all__)
    assert set(textgraft.__all__) == set(textgraft._PLACES)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'nonsense'"):
        textgraft.nonsense  # noqa: B018


def test_python_m_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "textgraft", "--version"], capture_output=True, text=True)
    assert done.stdout.split() == ["textgraft", textgraft.__version__]
