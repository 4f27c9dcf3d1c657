"""What a user sees when something is not as it should be: one line, and what to do."""

from __future__ import annotations

import pytest

from agentbay_kernel.service import runtime
from tests import kernels


@pytest.fixture
def name(place):
    """What the variables of the provider's key and endpoint begin with."""
    return "AGB" if place == "agb" else "AGENTBAY"


@pytest.fixture
def failing(start_kernel, monkeypatch):
    """The error of the first cell of a kernel under some environment."""

    def failing(code="1", **environment):
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        ended = start_kernel().execute(code)
        assert ended.status == "error"
        assert len(ended.content["traceback"]) == 1
        return ended.content

    return failing


def test_a_missing_key_is_said_with_what_to_set(failing, name):
    error = failing(AGENTBAY_KERNEL_PROVIDER=name.lower())
    assert error["ename"] == "KeyMissing"
    assert f"{name}_API_KEY" in error["evalue"]


def test_a_refused_key_is_said_without_showing_it_and_nothing_else_is_tried(failing, name):
    address = runtime.ensure(linger_seconds=20)
    environment = {f"{name}_ENDPOINT": address.api_url, f"{name}_API_KEY": "akm-wrong-key-123"}
    error = failing(AGENTBAY_KERNEL_PROVIDER=name.lower(), **environment)
    assert error["ename"] == "KeyRefused"
    assert "request id" in error["evalue"]
    assert "akm-wrong-key-123" not in str(error)
    assert kernels.sessions() == []


def test_an_endpoint_that_does_not_answer_is_said(failing, name):
    environment = {f"{name}_ENDPOINT": "http://127.0.0.1:9", f"{name}_API_KEY": "akm-x"}
    error = failing(AGENTBAY_KERNEL_PROVIDER=name.lower(), **environment)
    assert error["ename"] == "Unreachable"
    assert "endpoint" in error["evalue"]


def test_an_unknown_image_is_said(failing):
    error = failing("%agentbay new --image no_such_image")
    assert error["ename"] == "ImageUnknown"
    assert "no_such_image" in error["evalue"]


def test_the_limit_of_sessions_is_said(start_kernel):
    runtime.ensure(linger_seconds=20, max_sessions=1)
    first, second = start_kernel(), start_kernel()
    first.execute("1")
    error = second.execute("1").content
    assert error["ename"] == "SessionLimit"
    assert "%agentbay delete" in error["evalue"]


def test_an_option_that_cannot_be_used_is_said_in_the_cell(failing):
    error = failing(AGENTBAY_KERNEL_IDLE_MINUTES="soon")
    assert error["ename"] == "OptionError"
    assert "AGENTBAY_KERNEL_IDLE_MINUTES" in error["evalue"]


def test_a_session_that_is_gone_cannot_be_attached(failing):
    error = failing("%agentbay attach s-nowhere")
    assert error["ename"] == "UsageError"
    assert "no session s-nowhere" in error["evalue"]


def test_a_time_limit_ends_the_cell_and_keeps_the_session(start_kernel, monkeypatch):
    monkeypatch.setenv("AGENTBAY_KERNEL_CELL_TIMEOUT_SECONDS", "3")
    kernel = start_kernel()
    kernel.execute("x = 5")
    error = kernel.execute("import time\ntime.sleep(30)").content
    assert error["ename"] == "CellTimeout"
    assert "cell_timeout_seconds" in error["evalue"]
    assert kernel.execute("x").value() == "5"


def test_without_a_websocket_cells_still_run(start_kernel, monkeypatch):
    monkeypatch.setenv("AGENTBAY_KERNEL_STREAM", "0")
    kernel = start_kernel()
    ended = kernel.execute("print('a')\n6 * 7")
    assert ended.text() == "a\n"
    assert ended.value() == "42"
    failed = kernel.execute("1/0")
    assert failed.content["ename"] == "ZeroDivisionError"
    assert len(failed.content["traceback"]) > 1
