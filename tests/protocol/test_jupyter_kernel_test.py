"""`jupyter_kernel_test` with all that ipykernel passes: on `python3`, and on our places."""

from __future__ import annotations

import jupyter_kernel_test as suite
import pytest
import zmq

from tests.kernels import wait_for
from tests.protocol.homes import inside, leave

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="class", autouse=True)
def home(request, tmp_path_factory):
    """A home that lasts as long as the class's one kernel, and the engine that the class names."""
    home = tmp_path_factory.mktemp("h")
    with inside(home, getattr(request.cls, "engine", "pipe")):
        yield
    leave(home)


class Everything:
    """Each attribute that ipykernel passes."""

    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('test', file=sys.stderr)"
    completion_samples = (
        {"text": "zi", "matches": {"zip"}},
        {"text": "'x'.capital", "matches": {"capitalize"}},
        {"text": "%lsmag", "matches": {"%lsmagic"}},
    )
    complete_code_samples = ("1", "print('hello, world')", "def f(x):\n  return x*2\n\n\n", "zip?")
    incomplete_code_samples = ("print('''hello", "def f(x):\n  x*2", "%%time\nfor i in x:")
    invalid_code_samples = ("import = 7q", "1 +* 2")
    code_page_something = "zip?"
    code_generate_error = "raise"
    code_execute_result = (
        {"code": "1+2+3", "result": "6"},
        {"code": "[n*n for n in range(1, 4)]", "result": "[1, 4, 9]"},
    )
    code_display_data = (
        {
            "code": "from IPython.display import HTML, display; display(HTML('<b>test</b>'))",
            "mime": "text/html",
        },
        {
            "code": "from IPython.display import Math, display; display(Math('\\frac{1}{2}'))",
            "mime": "text/latex",
        },
    )
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "zip"
    code_clear_output = "from IPython.display import clear_output; clear_output()"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kc.execute_interactive("pass", timeout=30)  # a session's start is told in its cell

    def history_helper(self, execute_first, timeout=30, **request):
        """The reply; ipykernel's running session is 0 in a range, and has its number in a tail."""
        reply = super().history_helper(execute_first, timeout, **request)
        if request["hist_access_type"] == "range":
            for row in reply["content"]["history"]:
                assert row[0] == 0
                row[0] = request["session"]
        return reply


class TestPython3(Everything, suite.KernelTests):
    kernel_name = "python3"


def wait_until_idle(manager, client):
    """Wait for the last message of a request.

    By a topic of its own: a welcome is sent to a client whose subscription no other client has.
    """
    with manager.context.socket(zmq.SUB) as told:
        told.connect(f"{manager.transport}://{manager.ip}:{manager.iopub_port}")
        told.subscribe(b"kernel")
        request, state = "", None
        while state != (request, "idle"):
            if not told.poll(1000):  # the subscription may be later than the messages
                request = client.kernel_info()
                continue
            _, message = client.session.recv(told)
            state = (
                message["parent_header"].get("msg_id"),
                message["content"].get("execution_state"),
            )


class AtRest:
    """A kernel that has started before the client whose welcome is looked at.

    ipykernel's IOPub thread may publish a line of its start, as its warning of an unencrypted
    transport, between the subscription of a client and its welcome.
    """

    support_iopub_welcome = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        client = cls.km.client()
        client.start_channels(iopub=False, stdin=False, hb=False, control=False)
        client.execute("pass")
        client.get_shell_msg(timeout=60)
        wait_until_idle(cls.km, client)
        client.shell_channel.stop()

    @classmethod
    def tearDownClass(cls):
        # jupyter_client's heartbeat does not end when it is stopped before it has begun.
        wait_for(cls.kc.hb_channel.is_beating, "the heartbeat does not begin")
        super().tearDownClass()


class TestPython3Welcome(AtRest, suite.IopubWelcomeTests):
    kernel_name = "python3"


class TestPipe(Everything, suite.KernelTests):
    kernel_name = "agentbay"
    engine = "pipe"


class TestPipeWelcome(AtRest, suite.IopubWelcomeTests):
    kernel_name = "agentbay"


class TestIpykernelEngine(Everything, suite.KernelTests):
    kernel_name = "agentbay"
    engine = "ipykernel"


class TestIpykernelEngineWelcome(AtRest, suite.IopubWelcomeTests):
    kernel_name = "agentbay"
    engine = "ipykernel"


class TestAgb(Everything, suite.KernelTests):
    kernel_name = "agentbay"
    engine = "agb"


def test_every_attribute_of_the_suite_is_set():
    members = vars(suite.KernelTests).items()
    names = [name for name, value in members if value in ("", [], ()) and name[0] != "_"]
    assert len(names) == 16
    assert [name for name in names if not getattr(Everything, name)] == []
