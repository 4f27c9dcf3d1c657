"""What the kernel leaves out of ipykernel, and what that must not cost."""

import subprocess
import sys

from jupyter_client.manager import KernelManager

from tests.kernels import wait_for

DEBUGPY = """
import sys
from agentbay_kernel.kernel import overhead
overhead.leave_out_debugger()
from ipykernel import debugger
assert not debugger._is_debugpy_available
assert not [name for name in sys.modules if name.startswith("debugpy")]
import debugpy.server
"""


def test_ipykernel_does_without_debugpy_and_a_user_does_not():
    subprocess.run([sys.executable, "-c", DEBUGPY], check=True, timeout=60)


def test_a_debugger_that_is_there_already_stays():
    code = "import debugpy, sys\n" + DEBUGPY.replace("not debugger", "debugger", 1)
    code = "\n".join(line for line in code.splitlines() if "sys.modules if" not in line)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_kernel_has_no_debugger_and_local_cells_may_import_it(kernel):
    seen = "import sys; sorted(name for name in sys.modules if name.startswith('debugpy'))"
    assert kernel.execute(f"%%local\n{seen}").value() == "[]"
    assert kernel.execute("%%local\nimport debugpy; debugpy.__name__").value() == "'debugpy'"


def test_garbage_is_collected_in_a_kernel_that_was_asked_for_nothing_before(surroundings):
    manager = KernelManager(kernel_name="agentbay")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        code = "%%local\nimport gc; assert gc.isenabled()"
        assert client.execute(code, reply=True, timeout=60)["content"]["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


def test_garbage_is_collected_in_a_kernel_that_has_answered(kernel):
    # Not while modules are imported, as those of the SDK are soon after the start.
    enabled = "%%local\nimport gc; gc.isenabled()"
    wait_for(lambda: kernel.execute(enabled).value() == "True", "no garbage is collected", 30)
