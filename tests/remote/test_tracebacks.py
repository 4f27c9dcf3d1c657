import sys
import traceback

from agentbay_kernel.remote.tracebacks import without_own


def called_in(name, inner):
    """A call of `inner` in a frame of a module of that name."""
    scope = {"__name__": name, "inner": inner}
    exec("def call():\n    inner()", scope)
    return scope["call"]


def interrupt():
    raise KeyboardInterrupt


def names_after(call):
    try:
        call()
    except KeyboardInterrupt:
        trace = sys.exc_info()[2]
        without_own(trace)
        return [frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(trace)][1:]


def test_our_frames_are_left_out_at_the_end_and_in_between():
    call = called_in(
        "__main__",
        called_in(
            "agentbay_remote.outbox",
            called_in("ipykernel.iostream", called_in("agentbay_kernel.service.x", interrupt)),
        ),
    )
    assert names_after(call) == ["__main__", "ipykernel.iostream", __name__]


def test_other_frames_stay():
    call = called_in("a", called_in("b", interrupt))
    assert names_after(call) == ["a", "b", __name__]
