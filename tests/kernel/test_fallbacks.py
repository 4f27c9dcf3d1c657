"""A session without streaming: the same outputs, at the cell's end."""

import re

import pytest


@pytest.fixture
def kernel(monkeypatch, start_kernel):
    monkeypatch.setenv("AGENTBAY_KERNEL_STREAM", "0")
    return start_kernel()


def test_displays_keep_their_ids_and_their_order(kernel):
    kernel.execute("1")  # the first cell may say that a session starts
    done = kernel.execute(
        "print('a')\nhandle = display(1, display_id='d')\nprint('b')\nhandle.update(2)\nprint('c')"
    )
    kinds = [each["msg_type"] for each in done.outputs if each["msg_type"] != "status"]
    assert [kind for kind in kinds if kind != "execute_input"] == [
        "stream", "display_data", "stream", "update_display_data", "stream",
    ]  # fmt: skip
    assert done.of("update_display_data")[0]["transient"] == {"display_id": "d"}


def test_an_error_is_the_notebooks_own(kernel):
    kernel.execute("1")
    done = kernel.execute("def f():\n    1 / 0\nf()")
    assert done.status == "error"
    assert "In[2], line 3" in re.sub(
        r"\x1b\[[\d;]*m", "", "".join(done.of("error")[0]["traceback"])
    )


def test_a_prompt_that_could_not_be_shown_in_time_is_refused(kernel):
    done = kernel.execute("input('?')", allow_stdin=True)
    assert done.of("error")[0]["ename"] == "StdinNotImplementedError"


def test_completion_knows_the_sessions_names(kernel):
    kernel.execute("unusual_name = 1")
    done = kernel.ask("complete_request", {"code": "unusual_", "cursor_pos": 8})
    assert done.content["matches"] == ["unusual_name"]
