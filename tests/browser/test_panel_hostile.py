"""Whatever strings come from a session, the cloud or a file's name: text, as wide as its place."""

import urllib.parse

import pytest
from playwright.sync_api import expect

from tests.browser.shots import take
from tests.browser.side import Side
from tests.browser.test_labextension import in_our_lab, running_section
from tests.browser.test_panel import unfold

EVIL = "<img src=x onerror=window.hacked=1><script>window.hacked=2</script>"
LONG = EVIL + "very" * 40
NAME = "<img src=x onerror=window.hacked=1>" + "long" * 30 + ".ipynb"

# The kernel's own process plays a service that answers with such strings.
HOSTILE = f"""\
%%local
from agentbay_kernel.errors import ToolError
from agentbay_kernel.panel import sections, snapshot

EVIL = {LONG!r}
true = snapshot.take
told = dict.fromkeys(("provider", "session_id", "name", "image", "message"), EVIL)
snapshot.take = lambda places: {{**true(places), **told, "notebook": EVIL}}
last = {{"status": "Failed", "error": EVIL, "started": 1, "finished": 2}}
context = {{"name": EVIL, "path": "/mnt/" + EVIL, "auto": False}}
context.update(upload=last, download=None)
entry = {{"name": EVIL, "path": "/workspace/" + EVIL, "is_dir": False, "size": 5, "modified": 1}}
row = dict.fromkeys(("session_id", "status", "image", "left"), EVIL)
row.update(session_id="another " + EVIL, name="", current=False)
page = {{"rows": [row], "filter": EVIL, "leftovers": False, "tokens": [], "next": "", "total": 1}}
sent = {{
    "labels": {{"labels": {{EVIL: EVIL, "stage": EVIL}}}},
    "contexts": {{"rows": [context]}},
    "files": {{"path": "/" + EVIL, "entries": [entry, {{**entry, "path": "/d", "is_dir": True}}]}},
    "sessions": page,
}}

def answer(found):
    async def answered(*_):
        return found
    return answered

async def refuse(*_):
    raise ToolError(EVIL, survived=EVIL, next_step=EVIL, request_id=EVIL)

sections.READ.update({{name: answer(found) for name, found in sent.items()}}, meters=refuse)
sections.ACTIONS.update(
    sessions=answer({{"rows": [row], "next": ""}}),
    capabilities=answer({{"engine": EVIL, EVIL: EVIL}}),
    context_names=answer([EVIL]),
    extend=refuse,
)
print("played")"""

WIDER = """root => [root, ...root.querySelectorAll("*")]
    .filter(each => each.getClientRects().length && each.namespaceURI.endsWith("xhtml"))
    .filter(each => {
        const {left, right} = each.getBoundingClientRect(), all = root.getBoundingClientRect();
        const clipped = each.closest(".abk-files, pre, [class*=cut], [class*=chip]");
        return !clipped && (right > all.right + 1 || left < all.left - 1);
    })
    .map(each => each.outerHTML.slice(0, 200))"""


@pytest.fixture
def side(sheet):
    side = Side(sheet)
    yield side
    # The kernel tells lies from now on.
    sheet.spoiled = True
    side.close()
    assert side.complaints() == []


def harmless(page, *surfaces):
    """Nothing was executed, nothing of it is an element, and nothing is wider than its place."""
    assert page.evaluate("window.hacked") is None
    for surface in surfaces:
        assert surface.locator("img, script").count() == 0
        assert surface.evaluate("each => each.scrollWidth - each.clientWidth") <= 1
        assert surface.evaluate(WIDER) == []


def offered(form, label):
    """A context's name is among the offers as it is, and is typed as it is."""
    expect(form.locator("datalist option")).to_have_attribute("value", LONG)
    field = form.get_by_label(label, exact=True)
    assert field.evaluate("each => each.list.options.length") == 1
    field.fill(LONG)


@in_our_lab
def test_hostile_strings_are_text_on_every_surface(sheet, side, tmp_path):
    page = sheet.page
    sheet.server.write(NAME, "agentbay", [HOSTILE, "print('there')", "%agentbay panel"])
    page.goto(f"{sheet.server.url}/lab/tree/{urllib.parse.quote(NAME)}?reset")
    sheet.settled()
    sheet.run(1)
    sheet.run(0)
    sheet.run(2)
    below = sheet.output(2).get_by_role("region", name="AgentBay panel")
    side.open()
    unfold(side.panel, "Files", "Sessions")
    docked = side.panel.get_by_role("region", name="AgentBay panel")
    for name in ("Labels", "Contexts", "Files", "Sessions"):
        expect(docked.get_by_role("list", name=name)).to_contain_text("<img src=x", timeout=30_000)
    expect(docked.get_by_role("alert").filter(has_text="<script>").first).to_be_visible()
    docked.get_by_role("button", name="Extend").click()
    docked.get_by_role("button", name="Details").click()
    docked.get_by_role("button", name="Delete another <img").click()
    docked.get_by_role("button", name="Mount a context").click()
    offered(docked, "Context name")
    take(page, "hostile-side-bar", tmp_path)
    harmless(page, docked, side.panel, below, side.status, side.chip)
    with running_section(sheet) as section:
        expect(section.get_by_role("treeitem").first).to_contain_text("<img")
        take(page, "hostile-running", tmp_path)
        harmless(page, section)
    for command in ("delete", "capabilities", "attach", "extend"):
        page.evaluate(
            "name => void window.jupyterapp.commands.execute(`agentbay:${name}`)", command
        )
        asked = (
            page.get_by_role("dialog").or_(page.locator(".Toastify__toast")).filter(has_text="<img")
        )
        expect(asked.first).to_be_visible()
        take(page, f"hostile-{command}", tmp_path)
        harmless(page, asked.first)
        page.keyboard.press("Escape")
    page.evaluate("() => void window.jupyterapp.commands.execute('agentbay:mount-context')")
    form = page.get_by_role("dialog")
    offered(form, "Context")
    take(page, "hostile-mount-context", tmp_path)
    harmless(page, form)
    page.keyboard.press("Escape")
