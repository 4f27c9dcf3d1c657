"""What of an interpreter's threads is the user's."""

import threading

import pytest
from zmq.utils.garbage import GarbageCollectorThread

from agentbay_kernel.remote.living import Living


class Waiting:
    """Lives until it is told to end."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.told = threading.Event()
        self.daemon = True

    def run(self):
        self.told.wait(30)


class Users(Waiting, threading.Thread):
    pass


class Pyzmqs(Waiting, GarbageCollectorThread):
    pass


Pyzmqs.__module__ = GarbageCollectorThread.__module__


@pytest.mark.parametrize(
    ("kind", "arguments", "lives"), [(Users, (), True), (Pyzmqs, (None,), False)]
)
def test_a_thread_is_the_users_unless_the_kernels_own_libraries_made_it(kind, arguments, lives):
    living = Living("own")
    thread = kind(*arguments)
    thread.start()
    try:
        assert living.any() is lives
    finally:
        thread.told.set()
        thread.join()
    assert not living.any()
