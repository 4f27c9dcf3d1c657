"""The cells that a newcomer tries first and that look for files of this computer."""

from __future__ import annotations

import pytest


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """The notebook's folder, with a table and a module in it."""
    folder = tmp_path / "notebook"
    folder.mkdir()
    (folder / "data.csv").write_text("a,b\n1,2\n")
    (folder / "my_module.py").write_text("value = 42\n")
    monkeypatch.chdir(folder)
    return folder


def test_a_file_beside_the_notebook_is_missed_with_one_line_of_help(beside, start_kernel):
    kernel = start_kernel()
    ended = kernel.execute("import pandas as pd\npd.read_csv('data.csv')")
    assert ended.content["ename"] == "FileNotFoundError"
    assert ended.of("error")[0]["traceback"][-1].endswith("%fs put data.csv")
    assert kernel.execute("%fs put data.csv").status == "ok"
    assert kernel.execute("int(pd.read_csv('data.csv').b[0])").value() == "2"


def test_a_module_beside_the_notebook_is_missed_with_one_line_of_help(beside, start_kernel):
    kernel = start_kernel()
    ended = kernel.execute("import my_module")
    assert ended.of("error")[0]["traceback"][-1].endswith("%fs put my_module.py")
    kernel.execute("%fs put my_module.py")
    assert kernel.execute("import my_module; my_module.value").value() == "42"


def test_the_help_can_be_switched_off(beside, start_kernel, monkeypatch):
    monkeypatch.setenv("AGENTBAY_KERNEL_UPLOAD", "never")
    ended = start_kernel().execute("open('data.csv')")
    assert "%fs" not in str(ended.content)


def test_the_notebooks_folder_is_sent_when_asked_for(beside, start_kernel, monkeypatch):
    monkeypatch.setenv("AGENTBAY_KERNEL_UPLOAD", "notebook-folder")
    kernel = start_kernel()
    ended = kernel.execute("open('data.csv').read()")
    assert ended.value() == "'a,b\\n1,2\\n'"
    assert "2 files" in ended.text("stderr")


def test_a_file_comes_back_with_its_bytes(beside, start_kernel):
    kernel = start_kernel()
    kernel.execute("data = bytes(range(256)) * 99; open('out.bin', 'wb').write(data)")
    assert kernel.execute("%fs get out.bin").status == "ok"
    assert (beside / "out.bin").read_bytes() == bytes(range(256)) * 99
    assert kernel.execute("%fs get out.bin").status == "ok"  # the same, so nothing is replaced
    kernel.execute("open('out.bin', 'ab').write(b'more')")
    again = kernel.execute("%fs get out.bin").content
    assert again["ename"] == "Exists"
    assert "--force" in again["evalue"]


def test_local_code_reaches_the_session_as_an_object(start_kernel):
    kernel = start_kernel()
    kernel.execute("open('a.txt', 'w').write('here')")
    ended = kernel.execute(
        "%%local\nimport agentbay_kernel\n"
        "print(agentbay_kernel.current().files.read('/workspace/a.txt'))"
    )
    assert ended.text() == "b'here'\n"
