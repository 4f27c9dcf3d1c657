"""One server and one browser for all, one page for each front end and kernel."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error, expect, sync_playwright

from tests.browser import server
from tests.browser.sheet import ADDRESS, Sheet
from tests.browser.side import Side
from tests.sizes import size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Locator

HERE = Path(__file__).parent
# python3 shows that the tests ask for nothing but what ipykernel does.
KERNELS = ("agentbay", "python3")[: size("browser_kernels")]
STAGES = list(itertools.product(ADDRESS, KERNELS))
# For what both front ends do by the same code, and what takes seconds.
in_lab = pytest.mark.parametrize(
    "stage", [each for each in STAGES if each[0] == "lab"], ids="-".join, indirect=True
)
_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)

expect.set_options(timeout=15_000)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests come last and stage by stage, so that no other test runs beside it."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    if HERE not in item.path.parents:
        return -1
    callspec = getattr(item, "callspec", None)
    return STAGES.index(callspec.params["stage"]) if callspec else len(STAGES)


@pytest.fixture(scope="package")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Server]:
    """A running server."""
    with server.running(tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium; its absence is a failure.

    While it is there an event loop runs in this thread, in which no other test could.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "these tests need Chromium: apt-get install chromium"
    home = str(tmp_path_factory.mktemp("browser"))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=_FLAGS.split(), env={"HOME": home, "PATH": "/usr/bin:/bin"}
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="package", params=STAGES, ids="-".join)
def stage(
    request: pytest.FixtureRequest, jupyter: server.Server, browser: Browser
) -> Iterator[Sheet]:
    """A notebook that stays open for all tests of one front end and one kernel."""
    front_end, kernel = request.param
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    sheet = Sheet(page, jupyter, front_end, kernel)
    sheet.open()
    yield sheet
    page.close()
    jupyter.shut_kernels_down()


@pytest.fixture
def sheet(stage: Sheet, tmp_path: Path) -> Iterator[Sheet]:
    """The open notebook, ready for a test's cells; how it looked at the end is in `tmp_path`."""
    if stage.spoiled:
        stage.server.shut_kernels_down()
        stage.open()
    stage.console.clear()
    stage.forget()
    yield stage
    stage.page.screenshot(path=tmp_path / "end.png")


@pytest.fixture
def shown(sheet: Sheet) -> Iterator[Callable[..., Locator]]:
    """The panel below the first cell, and no complaint of the browser in the end."""

    def show(*cells: str) -> Locator:
        sheet.fill("%agentbay panel", *cells)
        sheet.run(0)
        panel = sheet.output(0).get_by_role("region", name="AgentBay panel")
        expect(panel).to_be_visible()
        return panel

    yield show
    assert Side(sheet).complaints() == []


@pytest.fixture
def side(sheet: Sheet) -> Iterator[Side]:
    """What the extension adds, folded and light as it was, and no complaint in the end."""
    side = Side(sheet)
    side.close()
    size = sheet.page.viewport_size
    assert size
    yield side
    sheet.page.set_viewport_size(size)
    side.dress("light")
    side.close()
    assert side.complaints() == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Say where the picture of a failed test is, and what the page complained of."""
    report = yield
    stage = getattr(item, "funcargs", {}).get("sheet")
    if report.failed and stage:
        stage.spoiled = True
        path = item.funcargs["tmp_path"] / "failure.png"  # type: ignore[attr-defined]
        with contextlib.suppress(Error):
            stage.page.screenshot(path=path)
        text = "\n".join([f"screenshot: {path}", *stage.console])
        report.sections.append(("page", text))
    return report
