"""A notebook in a real browser, driven as a person drives it: by clicks, keys and looks."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import ConsoleMessage, Locator, Page, WebSocket

    from tests.browser.server import Server

ADDRESS = {"lab": "lab/tree", "notebook": "notebooks"}
_PANEL = "window.jupyterapp?.shell?.currentWidget"
_READY = f"""() => {{
    const context = {_PANEL}?.sessionContext;
    return context?.isReady && context.session?.kernel?.status === "idle"
        && {_PANEL}.content?.model?.cells.length > 0;
}}"""
_REPLACE = f"""sources => {{
    const notebook = {_PANEL}.content, shared = notebook.model.sharedModel;
    const count = shared.cells.length, cell = {{cell_type: "code", metadata: {{}}}};
    shared.insertCells(count, sources.map(source => ({{...cell, source}})));
    shared.deleteCellRange(0, count);
    notebook.activeCellIndex = 0;
}}"""
_SAVED = f"() => !{_PANEL}.context.model.dirty"
_FOLLOW = f"""() => {{
    window.statuses = [];
    {_PANEL}.sessionContext.statusChanged.connect((_, status) => window.statuses.push(status));
}}"""
_RESTARTED = "() => window.statuses.includes('restarting') && window.statuses.at(-1) === 'idle'"
# A command's own result may be a widget, of which Chromium can send no copy.
_COMMAND = "async ([name, args]) => void (await window.jupyterapp.commands.execute(name, args))"
_TRIES = 8
_POLLS = 200


@dataclass
class Sheet:
    """One open notebook, in one front end, with one kernel."""

    page: Page
    server: Server
    front_end: str
    kernel: str
    console: list[str] = field(default_factory=list, repr=False)
    sent: list[bytes] = field(default_factory=list, repr=False)
    received: list[bytes] = field(default_factory=list, repr=False)
    opened: int = 0
    spoiled: bool = False

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.page.on("websocket", self._listen)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.console.append(message.text)

    def _listen(self, socket: WebSocket) -> None:
        if "/channels" in socket.url:
            socket.on("framesent", lambda frame: self.sent.append(bytes(frame)))
            socket.on("framereceived", lambda frame: self.received.append(bytes(frame)))

    def open(self) -> None:
        """Open a new notebook with a new kernel and wait until that is idle."""
        self.opened, self.spoiled = self.opened + 1, False
        name = f"{self.front_end}-{self.kernel}-{self.opened}.ipynb"
        self.server.write(name, self.kernel, ["pass"])
        self.page.goto(f"{self.server.url}/{ADDRESS[self.front_end]}/{name}?reset")
        self.settled()

    def settled(self) -> None:
        """Wait until the page is there and its kernel idle."""
        self.page.wait_for_function(_READY, timeout=60_000)
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=30_000)

    def fill(self, *cells: str) -> None:
        """Put these cells in the place of all others."""
        self.page.evaluate(_REPLACE, list(cells))
        expect(self.cells).to_have_count(len(cells))

    def save(self) -> str:
        """Save the notebook and return what the file then holds."""
        self.page.keyboard.press("Control+s")
        self.page.wait_for_function(_SAVED)
        name = self.page.url.partition("?")[0].rpartition("/")[2]
        return (self.server.folder / name).read_text()

    def forget(self) -> None:
        """Forget the messages so far: `sent` and `received` hold what comes from now on."""
        self.sent.clear()
        self.received.clear()

    def reload(self) -> None:
        """Load the page anew and wait until it is back."""
        self.page.reload()
        self.settled()

    def press(self, button: str) -> None:
        """Press a button of the toolbar: run, interrupt, restart."""
        self.page.locator(f".jp-NotebookPanel-toolbar:visible [data-jp-item-name={button}]").click()

    def command(self, name: str, **args: object) -> None:
        """Execute a command of JupyterLab's and wait for its end."""
        self.page.evaluate(_COMMAND, [name, args])

    def said(self, pattern: bytes) -> None:
        """Wait until the page has sent such a message."""
        told = re.compile(pattern)
        for _ in range(_POLLS):
            if any(map(told.search, self.sent)):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"the page sent nothing like {pattern!r}")

    def restart(self) -> None:
        """Restart the kernel by the toolbar, say yes, and wait until it is there again."""
        self.page.evaluate(_FOLLOW)
        self.press("restart")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.wait_for_function(_RESTARTED, timeout=60_000)

    @contextlib.contextmanager
    def log(self) -> Iterator[Locator]:
        """The log console, where a front end shows what belongs to no cell."""
        self.command("logconsole:open")
        yield self.page.locator(".jp-LogConsolePanel")
        self.page.locator(".lm-TabBar-tab", has_text="Log:").locator(
            ".lm-TabBar-tabCloseIcon"
        ).click()

    @property
    def cells(self) -> Locator:
        return self.page.locator(".jp-Notebook:visible .jp-CodeCell")

    def editor(self, index: int) -> Locator:
        return self.cells.nth(index).locator(".jp-InputArea .cm-content")

    def prompt(self, index: int) -> Locator:
        return self.cells.nth(index).locator(".jp-InputArea-prompt")

    def output(self, index: int) -> Locator:
        """All that stands below the cell."""
        return self.cells.nth(index).locator(".jp-Cell-outputArea")

    def click(self, index: int, name: str) -> None:
        """Click a button in a cell's output."""
        self.output(index).get_by_role("button", name=name, exact=True).click()

    def start(self, index: int) -> None:
        """Run the cell, without waiting for its end."""
        # While a front end still settles it loses a key now and then.
        for _ in range(_TRIES):
            before = self.prompt(index).inner_text()
            self.editor(index).click()
            self.page.keyboard.press("Control+Enter")
            try:
                expect(self.prompt(index)).not_to_have_text(before, timeout=1500)
            except AssertionError:
                continue
            return
        raise AssertionError(f"cell {index} did not start")

    def run(self, index: int, *, timeout: float = 30) -> None:
        """Run the cell and wait for its end."""
        self.start(index)
        self.ended(index, timeout=timeout)

    def ended(self, index: int, *, timeout: float = 30) -> None:
        """Wait until the cell has ended."""
        expect(self.prompt(index)).to_have_text(re.compile(r"\[\d+\]:"), timeout=timeout * 1000)
