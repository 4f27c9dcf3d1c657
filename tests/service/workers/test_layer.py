"""Packages of a session."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from agentbay_kernel.service import layer
from tests.service.workers.sandboxes import Box, started

pytestmark = pytest.mark.timeout(90)


def wheel(folder: Path, version: str) -> Path:
    """A package `agentbaytoy` with a command of that name."""
    path = folder / f"agentbaytoy-{version}-py3-none-any.whl"
    info = f"agentbaytoy-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("agentbaytoy.py", f"v = {version!r}\ndef main(): print('toy', v)\n")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: agentbaytoy\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(
            f"{info}/entry_points.txt", "[console_scripts]\nagentbaytoy = agentbaytoy:main\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip is told of, as on a computer with its own mirror."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel(folder, "1.0")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


async def test_pip_installs_into_the_session_only(mode: str, tmp_path: Path, wheels: Path) -> None:
    async with started(tmp_path / "session", mode) as box:
        await box.run("%pip install agentbaytoy", timeout=60)
        assert "Successfully installed agentbaytoy-1.0" in box.text()
        await box.run("import agentbaytoy; agentbaytoy.__file__")
        assert box.main().strip("'").startswith(box.inside(layer.PLACE))
        await box.run("!agentbaytoy")
        assert box.text().strip() == "toy 1.0"
    assert not list(Path(sys.prefix).rglob("agentbaytoy*"))


async def test_pip_command_upgrades_what_it_installed(
    mode: str, tmp_path: Path, wheels: Path
) -> None:
    async with started(tmp_path / "session", mode) as box:
        assert (await box.shell("pip install agentbaytoy"))["exit_code"] == 0
        wheel(wheels, "2.0")
        assert (await box.shell("pip install -U agentbaytoy"))["exit_code"] == 0
        assert (await box.shell("agentbaytoy"))["stdout"] == "toy 2.0\n"


async def test_packages_of_the_kernel_are_seen_and_left_alone(box: Box) -> None:
    await box.run("import traitlets; traitlets.__file__")
    assert not box.main().strip("'").startswith(box.inside(layer.PLACE))
    answer = await box.shell("pip uninstall -y traitlets")
    assert "outside environment" in answer["stdout"] + answer["stderr"]
    assert (await box.run("import importlib, traitlets; importlib.reload(traitlets)")).ok


async def test_child_interpreters_see_the_same_packages(box: Box) -> None:
    await box.run("!python -c 'import sys, IPython; print(sys.prefix)'")
    assert box.text().strip() == box.inside(layer.PLACE)


@pytest.mark.timeout(90)
async def test_pip_that_comes_with_python_serves_where_the_kernel_has_none(
    mode: str, tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = layer.importlib.util.find_spec
    monkeypatch.setattr(
        layer.importlib.util, "find_spec", lambda name: None if name == "pip" else find(name)
    )
    archive = layer.bundled_pip()
    assert archive is not None
    async with started(tmp_path / "session", mode) as box:
        command = f"python {archive}/pip install agentbaytoy"
        assert (await box.shell(command))["exit_code"] == 0
