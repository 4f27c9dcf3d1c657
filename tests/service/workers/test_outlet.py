"""What a worker says to the service."""

import socket

from agentbay_kernel.service.workers import records
from agentbay_kernel.service.workers.outlet import Outlet, Shield
from tests import striking


def until(service, text):
    """Read until some text has come."""
    data = b""
    while text not in data:
        data += service.recv(1 << 16)


def test_text_is_sent_wherever_an_interrupt_has_struck_the_write_before():
    ours, workers = socket.socketpair()
    with ours, workers:
        ours.settimeout(10)
        outlet = Outlet(workers, Shield())
        points = 0
        for before in striking.everywhere(lambda: outlet.add(records.STDOUT, "struck ")):
            outlet.add(records.STDOUT, f"after {before}.")
            until(ours, b"after %d." % before)
            points += 1
        outlet.flush()
        assert points > 3
