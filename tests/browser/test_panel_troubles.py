"""The panel, the side bar and the status bar when something goes wrong behind their back."""

import re

import psutil
import pytest
from playwright.sync_api import expect

from tests import kernels
from tests.browser.shots import take
from tests.browser.test_labextension import GATED, beside, in_our_lab, started


def service(sheet):
    """The service of the server's kernels."""
    home = sheet.server.folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGENTBAY_KERNEL_RUNTIME_DIR", str(home / "agentbay/run"))
        return kernels.service()


def told_of_the_end(side, tmp_path, name):
    """Every surface says that the session has ended, and the panel offers another."""
    expect(side.panel.get_by_text("Ended", exact=True)).to_be_visible(timeout=40_000)
    expect(side.chip).to_have_text("ended")
    expect(side.status).to_have_text("AgentBay: ended")
    expect(side.panel.get_by_role("button", name="Start a session")).to_be_enabled()
    take(side.page, name, tmp_path)


def started_anew(side, former):
    """Another session is there after a click in the panel."""
    side.panel.get_by_role("button", name="Start a session").click()
    expect(side.chip).to_have_text("ready", timeout=40_000)
    expect(side.docked.locator("dd code").first).not_to_have_text(former)
    assert side.session_id != former


@in_our_lab
def test_a_session_that_somebody_else_deletes_is_said_everywhere(sheet, side, tmp_path):
    started(sheet)
    side.open()
    former = side.session_id
    kernels.release(service(sheet), former)
    told_of_the_end(side, tmp_path, "ended-elsewhere")
    expect(side.panel).to_contain_text(former)
    expect(side.panel).to_contain_text("names and files are gone")
    started_anew(side, former)
    sheet.run(0)
    expect(sheet.output(0)).to_contain_text("there")


@in_our_lab
def test_a_session_deleted_under_a_running_cell_ends_the_cell(sheet, side, tmp_path):
    started(sheet)
    side.open()
    former = side.session_id
    sheet.fill(GATED)
    sheet.start(0)
    expect(side.chip).to_have_text("busy")
    kernels.release(service(sheet), former)
    sheet.ended(0, timeout=60)
    expect(sheet.output(0)).to_contain_text(former)
    told_of_the_end(side, tmp_path, "ended-under-a-cell")
    started_anew(side, former)


@in_our_lab
def test_a_killed_service_is_said_in_its_place_and_another_is_started(sheet, side, tmp_path):
    started(sheet)
    side.open()
    former, first = side.session_id, service(sheet)
    psutil.Process(first.pid).kill()
    told_of_the_end(side, tmp_path, "service-killed")
    expect(side.panel).to_contain_text("the service that held the session has ended")
    # What needs no service is answered.
    side.panel.get_by_role("button", name="Details").click()
    expect(side.panel.get_by_text("Engine", exact=True)).to_be_visible()
    started_anew(side, former)
    assert service(sheet).pid != first.pid
    sheet.run(0)
    expect(sheet.output(0)).to_contain_text("there")
    # Kernels of former tests have lost their sessions too, and would say so in the next.
    sheet.spoiled = True


@in_our_lab
def test_two_notebooks_have_a_session_each_while_one_runs_a_cell(sheet, side, tmp_path):
    started(sheet)
    side.open()
    first = side.session_id
    with beside(sheet, "agentbay") as other:
        other.locator(".cm-content").click()
        sheet.page.keyboard.press("Control+a")
        sheet.page.keyboard.type("while True: pass")
        sheet.start(1)
        expect(side.status).to_have_text(re.compile("^AgentBay: busy"), timeout=40_000)
        expect(side.docked.get_by_text("Busy", exact=True)).to_be_visible()
        second = side.session_id
        assert second != first
        take(sheet.page, "two-notebooks", tmp_path)
        mine = sheet.page.locator(".jp-NotebookPanel").first
        mine.locator(".cm-content").click()
        expect(side.docked.locator("code").first).to_have_text(first)
        expect(side.status).to_have_text(re.compile("^AgentBay: ready"))
        sheet.run(0)
        other.locator(".cm-content").click()
        expect(side.docked.locator("code").first).to_have_text(second)
        expect(side.status).to_have_text(re.compile("^AgentBay: busy"))
        other.locator("[data-jp-item-name=interrupt]").click()
        expect(side.status).to_have_text(re.compile("^AgentBay: ready"))
