"""`%%map` in a kernel that is killed: its guardian ends every session."""

import os
import signal

from agentbay_kernel.ledger import Ledger
from tests import kernels


def test_a_killed_kernel_leaves_no_session_of_its_pool(start_kernel, monkeypatch):
    monkeypatch.setenv("AGENTBAY_KERNEL_RESTART_WAIT_SECONDS", "1")
    monkeypatch.setenv("AGENTBAY_KERNEL_LINGER_SECONDS", "60")
    kernel = start_kernel()
    request = kernel.send(
        "execute_request",
        kernels.execute_content("%%map x in range(9) --sessions 3\nimport time\ntime.sleep(100)"),
    )
    kernel.until(request, _works, 60)
    assert len(Ledger.of_user().rows()) > 1
    os.kill(kernel.pid, signal.SIGKILL)
    kernels.wait_for(lambda: kernels.sessions() == [], "all sessions are gone", 30)
    kernels.wait_for(lambda: Ledger.of_user().rows() == [], "no row is left", 30)


def _works(message):
    return message["msg_type"] == "update_display_data" and "busy" in str(message["content"])
