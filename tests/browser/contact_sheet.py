"""All pictures of a folder on one: `python -m tests.browser.contact_sheet FOLDER [PICTURE]`."""

from __future__ import annotations

import html
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH = 1800
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 16px; background: #777; font: 13px sans-serif; columns: 4; column-gap: 16px }}
figure {{ margin: 0 0 16px; break-inside: avoid; background: #fff }}
figcaption {{ padding: 4px 8px }} img {{ display: block; width: 100% }}
</style>{}"""


def make(folder: Path, into: Path) -> None:
    """One picture of all those in a folder, each with its name."""
    pictures = sorted(each for each in folder.glob("*.png") if each != into)
    figures = "".join(
        f'<figure><img src="{html.escape(each.resolve().as_uri())}">'
        f"<figcaption>{html.escape(each.stem)}</figcaption></figure>"
        for each in pictures
    )
    page = folder / "contact-sheet.html"
    page.write_text(PAGE.format(figures))
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": 1000})
        tab.goto(page.resolve().as_uri())
        tab.screenshot(path=into, full_page=True)
        browser.close()
    page.unlink()


if __name__ == "__main__":
    where = Path(sys.argv[1])
    make(where, Path(sys.argv[2]) if len(sys.argv) > 2 else where / "contact-sheet.png")
