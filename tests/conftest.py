"""Every test's clean surroundings, a real kernel, and no skips where CI is set."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests import kernels
from tests.proxy import CountingProxy
from tests.sizes import FULL, SECOND_PROVIDER, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_FOREIGN = ("AGENTBAY_", "AGB_", "JPY_", "JUPYTER_", "IPYTHON", "VSCODE_")
_KEPT = {"JUPYTER_PATH", "AGENTBAY_KERNEL_TEST_SIZES"}
ENGINES = ("pipe", "ipykernel")
# What a kernel's session may be behind: the local service on each engine, and another provider.
PLACES = (*ENGINES, "agb")
PROVIDERS = ("pipe", "agb")
# Those for which each row of the long matrices of cuts, Stops and deaths runs.
MATRIX_ENGINES = ENGINES[: size("matrix_engines")]
MATRIX_PLACES = (*MATRIX_ENGINES, "agb")


@pytest.fixture(autouse=True)
def surroundings(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A home of the test's own, and no option, key or Jupyter setting of the user's."""
    home = tmp_path_factory.mktemp("h")
    _move_into(home, monkeypatch)
    yield home
    kernels.stop_service()


def _move_into(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(_FOREIGN) and name not in _KEPT:
            monkeypatch.delenv(name)
    folders = {
        "HOME": "",
        "AGENTBAY_KERNEL_DATA_DIR": "data",
        "AGENTBAY_KERNEL_RUNTIME_DIR": "run",
        "AGENTBAY_KERNEL_LOG_DIR": "log",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "jupyter/config",
        "JUPYTER_DATA_DIR": "jupyter/data",
        "JUPYTER_RUNTIME_DIR": "jupyter/run",
    }
    for name, folder in folders.items():
        path = home / folder
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        monkeypatch.setenv(name, str(path))
    for name in ("XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    # A session's shell is bash; so must be that of the plain kernel beside which it is judged.
    monkeypatch.setenv("SHELL", "/bin/bash")
    monkeypatch.setenv("AGENTBAY_KERNEL_PROVIDER", "local")
    monkeypatch.setenv("AGENTBAY_KERNEL_LINGER_SECONDS", "5")


def settle(home: Path, place: str, patch: pytest.MonkeyPatch) -> None:
    """Make that home the environment's, and let its kernels' sessions be of that place."""
    _move_into(home, patch)
    patch.setenv("AGENTBAY_KERNEL_ENGINE", place if place in ENGINES else "pipe")
    if place == "agb":
        kernels.use_agb(patch)


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], kernels.RunningKernel]]:
    """The one kernel that a module's tests share for each name: `python3` or one of PLACES."""
    running: dict[str, tuple[Path, kernels.RunningKernel]] = {}

    def get(name: str) -> kernels.RunningKernel:
        if name not in running:
            home = tmp_path_factory.mktemp("h")
            with pytest.MonkeyPatch.context() as patch:
                settle(home, name, patch)
                patch.delenv("PYTEST_CURRENT_TEST")  # ipykernel leaves its descriptors alone then
                spec = "agentbay" if name in PLACES else name
                folder = home / "notebook"
                folder.mkdir()
                kernel = kernels.start(spec, name=name, home=home, cwd=str(folder))
                running[name] = home, kernel
        return running[name][1]

    yield get
    for home, kernel in running.values():
        with pytest.MonkeyPatch.context() as patch:
            _move_into(home, patch)
            kernel.close()
            kernels.stop_service()


@pytest.fixture(params=PROVIDERS)
def place(request: pytest.FixtureRequest) -> str:
    """Each provider in turn, for `shared`, `cloud` and the kernels that a test starts."""
    return str(request.param)


@pytest.fixture(params=PLACES)
def either(
    request: pytest.FixtureRequest, shared: Callable[[str], kernels.RunningKernel]
) -> kernels.RunningKernel:
    """Our kernel on each engine of the local service and each provider, a session started."""
    kernel = shared(request.param)
    kernel.execute("pass")
    return kernel


@pytest.fixture(params=("python3", *PLACES))
def every(
    request: pytest.FixtureRequest, shared: Callable[[str], kernels.RunningKernel]
) -> kernels.RunningKernel:
    """The plain Python kernel, whose behaviour is the measure, and ours as in `either`."""
    kernel = shared(request.param)
    kernel.execute("pass")
    return kernel


@pytest.fixture
def start_kernel(
    surroundings: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., kernels.RunningKernel]]:
    """Starts kernels, and shuts down those that still run when the test ends."""
    running: list[kernels.RunningKernel] = []

    def start(name: str = "agentbay", **options: Any) -> kernels.RunningKernel:
        if place == "ipykernel":
            monkeypatch.setenv("AGENTBAY_KERNEL_ENGINE", place)
        if place == "agb" and os.environ["AGENTBAY_KERNEL_PROVIDER"] == "local":
            kernels.use_agb(monkeypatch)
        running.append(kernels.start(name, **options))
        return running[-1]

    yield start
    for kernel in running:
        kernel.close()


@pytest.fixture
def kernel(start_kernel: Callable[..., kernels.RunningKernel]) -> kernels.RunningKernel:
    """A started agentbay kernel without a session."""
    return start_kernel()


@pytest.fixture
def cloud(place: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingProxy]:
    """A cloud to the kernel: it is reached by endpoint and key, counts and can be slow."""
    record = kernels.start_service()
    proxy = CountingProxy(record.url)
    name = "agb" if place == "agb" else "agentbay"
    kernels.use_cloud(monkeypatch, name, record.key, proxy.url)
    yield proxy
    proxy.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the second provider's tests that are too many for the gate to the full sizes."""
    taken = SECOND_PROVIDER[FULL]
    dropped = [item for item in items if _is_second(item) and not item.nodeid.startswith(taken)]
    config.hook.pytest_deselected(items=dropped)
    left = set(map(id, dropped))
    items[:] = [item for item in items if id(item) not in left]


def _is_second(item: pytest.Item) -> bool:
    params = getattr(getattr(item, "callspec", None), "params", {})
    values = (*params.values(), getattr(getattr(item, "cls", None), "engine", ""))
    return "agb" in [each for each in values if isinstance(each, str)]


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a file to one worker, and a folder where the files share a server or a port."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = file.rpartition("/")[0]
        return folder if folder in ("tests/browser", "tests/notebooks") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """How tests are spread over the workers of `pytest -n`."""
    return ByFile(config, log)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say in CI which tests were skipped; `pytest_sessionfinish` has made them a failure."""
    if os.environ.get("CI") and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("CI is set: a skipped test is a failure", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a CI run that skipped a test."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped") if reporter else None
    if os.environ.get("CI") and skipped and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
