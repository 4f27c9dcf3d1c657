import pytest

from agentbay_kernel.events import CellError
from agentbay_kernel.hints import with_hint


def missing(name):
    text = f"[Errno 2] No such file or directory: {name!r}"
    return CellError("FileNotFoundError", text, (text,))


def no_module(name):
    text = f"No module named {name!r}"
    return CellError("ModuleNotFoundError", text, (text,))


def test_a_file_beside_the_notebook_is_named_with_the_command(tmp_path):
    (tmp_path / "data.csv").touch()
    assert with_hint(missing("data.csv"), tmp_path).traceback[-1].endswith("%fs put data.csv")


def test_a_name_with_a_space_is_quoted(tmp_path):
    (tmp_path / "my data.csv").touch()
    assert with_hint(missing("my data.csv"), tmp_path).traceback[-1].endswith('"my data.csv"')


@pytest.mark.parametrize("path", ["my_module.py", "my_module/__init__.py"])
def test_a_module_beside_the_notebook_is_named(tmp_path, path):
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).touch()
    error = with_hint(no_module("my_module.part"), tmp_path)
    assert "is on this computer, not in the session" in error.traceback[-1]


@pytest.mark.parametrize("error", [missing("gone.csv"), no_module("gone"), CellError("E", "", ())])
def test_an_error_that_no_local_file_explains_is_left_alone(tmp_path, error):
    assert with_hint(error, tmp_path) is error


def test_a_missing_package_for_widgets_is_installed_in_the_session():
    error = CellError("ModuleNotFoundError", "No module named 'ipywidgets'", ("t",))
    assert with_hint(error, None).traceback[-1].endswith("%pip install ipywidgets")


def test_another_missing_package_gets_no_line():
    error = CellError("ModuleNotFoundError", "No module named 'foo'", ("t",))
    assert with_hint(error, None) == error
