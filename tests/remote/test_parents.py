"""Which request the code that runs now belongs to."""

from __future__ import annotations

import asyncio
import contextvars
import threading

from agentbay_kernel.remote.parents import Parents, id_of, make


def in_thread(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def request(name):
    return make(name, "execute_request")


def test_there_is_none_before_the_first():
    assert id_of(Parents().get()) == ""


def test_a_thread_without_one_belongs_to_the_last_request():
    parents = Parents()
    parents.set(request("a"))
    assert in_thread(lambda: id_of(parents.get())) == "a"
    parents.set(request("b"))
    assert in_thread(lambda: id_of(parents.get())) == "b"


def test_a_task_keeps_the_request_that_began_it():
    async def main():
        parents, go = Parents(), asyncio.Event()

        async def work():
            await go.wait()
            return id_of(parents.get())

        parents.set(request("a"))
        task = asyncio.ensure_future(work())
        parents.set(request("b"))
        go.set()
        return await task, id_of(parents.get())

    assert asyncio.run(main()) == ("a", "b")


def test_a_request_of_one_thread_only_is_not_the_others():
    parents = Parents()
    parents.set(request("a"))

    def work():
        parents.set_here(request("b"))
        return id_of(parents.get())

    assert in_thread(work) == "b"
    assert id_of(parents.get()) == "a"
    assert contextvars.Context().run(lambda: id_of(parents.get())) == "a"


def test_a_parent_is_shaped_like_ipykernels_and_marked_as_ours():
    parent = request("a")
    assert (parent["header"]["msg_id"], parent["header"]["msg_type"]) == ("a", "execute_request")
    assert parent["agentbay"] is True
    assert id_of({"header": {"msg_id": "x"}}) == "x"
