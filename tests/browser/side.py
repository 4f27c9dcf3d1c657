"""JupyterLab's extension as a person sees it: in the side bar, the status bar and the toolbar."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from tests.browser.sheet import Sheet

# What the front ends complain of without any extension: Notebook 7 on every page, JupyterLab when
# a notebook with python3 is closed.
NOT_OURS = (
    "Cannot read properties of undefined (reading 'schema')",
    "Could not restore the debugger state",
)

DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


@dataclass(frozen=True)
class Side:
    """What the extension adds to one page."""

    sheet: Sheet

    @property
    def page(self) -> Page:
        return self.sheet.page

    @property
    def panel(self) -> Locator:
        """The panel in the side bar."""
        return self.page.get_by_role("region", name="AgentBay session", exact=True)

    @property
    def docked(self) -> Locator:
        """The panel of the notebook in front; those of the others are kept out of sight."""
        return self.panel.locator(".agentbay-Docked:not(.lm-mod-hidden)")

    @property
    def chip(self) -> Locator:
        """The state in the toolbar of the notebook in front."""
        return self.page.locator(".jp-NotebookPanel:visible").get_by_role(
            "button", name=re.compile("^AgentBay session: ")
        )

    @property
    def status(self) -> Locator:
        """The state in the status bar."""
        return self.page.get_by_role("contentinfo").get_by_role(
            "button", name=re.compile("^AgentBay session: ")
        )

    @property
    def session_id(self) -> str:
        """The session that the panel tells of."""
        code = self.docked.locator("code").first
        expect(code).to_have_text(re.compile("^s-"))
        return code.inner_text()

    def open(self) -> None:
        """Show the panel by a click on the toolbar's chip."""
        self.chip.click()
        expect(self.panel).to_be_visible()
        expect(self.panel.get_by_role("region", name="AgentBay panel")).to_be_visible()

    def close(self) -> None:
        """Fold the side bar."""
        if self.panel.is_visible():
            if self.sheet.front_end == "lab":
                self.page.get_by_role("tab", name="AgentBay session", exact=True).click()
            else:
                self.page.get_by_role("button", name="Collapse right side panel").click()
            expect(self.panel).to_be_hidden()

    def dress(self, theme: str) -> None:
        """Change the front end's theme and wait until it is drawn."""
        self.sheet.command("apputils:change-theme", theme=THEMES[theme])
        light = "true" if theme == "light" else "false"
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", light)

    def resize(self, width: int, height: int) -> None:
        """Give the page another size and wait until the front end has laid itself out."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.evaluate(DRAWN)

    def menu(self, *names: str) -> None:
        """Choose from the menu bar."""
        self.page.get_by_role("menubar").get_by_role("menuitem", name=names[0]).click()
        for name in names[1:]:
            # A submenu's item has no role of its own.
            self.page.locator(".lm-Menu-item", has_text=name).last.click()

    def command(self, label: str) -> None:
        """Choose from the command palette, by keys."""
        self.page.keyboard.press("Control+Shift+C")
        self.page.get_by_role("textbox", name="SEARCH", exact=True).fill(label)
        expect(
            self.page.locator(".lm-CommandPalette-item.lm-mod-active", has_text=label)
        ).to_be_visible()
        self.page.keyboard.press("Enter")

    @contextlib.contextmanager
    def dialog(self, title: str) -> Iterator[Locator]:
        """A question, which must be gone in the end."""
        asked = self.page.get_by_role("dialog").filter(has_text=title)
        expect(asked).to_be_visible()
        yield asked
        expect(asked).to_have_count(0)

    def complaints(self) -> list[str]:
        """What stands in the browser's console."""
        said = self.sheet.console
        return [text for text in said if not any(each in text for each in NOT_OURS)]
