"""A comm in the session that answers, and a front end that talks to it."""

from __future__ import annotations

import uuid

OPEN = """
import comm
heard = []
talk = comm.create_comm(target_name='talk', data={'a': 1}, metadata={'m': 2}, buffers=[b'one'])
@talk.on_msg
def _(message):
    data, buffers = message['content']['data'], [bytes(each) for each in message['buffers']]
    heard.append((data, buffers))
    print('heard', data)
    talk.send({'echo': data}, metadata={'x': 1}, buffers=[each[::-1] for each in buffers])
talk.on_close(lambda message: heard.append('closed'))
talk.comm_id
"""


def open_talk(kernel, **options):
    return kernel.execute(OPEN, **options).value().strip("'")


def tell(kernel, comm_id, data, kind="comm_msg", **options):
    return kernel.tell(kind, {"comm_id": comm_id, "data": data}, **options)


def open_here(kernel, target, data=None, **options):
    """Open a comm as a front end does; its id and what came of it."""
    comm_id = uuid.uuid4().hex
    content = {"comm_id": comm_id, "target_name": target, "data": data or {}}
    return comm_id, kernel.tell("comm_open", content, **options)


def messages(exchange):
    """The comm messages among the outputs, with their metadata and buffers."""
    return [
        [kind, each["content"].get("data"), each["metadata"], *map(bytes, each["buffers"])]
        for each in exchange.outputs
        if (kind := each["msg_type"]).startswith("comm_")
    ]


def states(exchange):
    return [each["execution_state"] for each in exchange.of("status")]


def comms(kernel, **content):
    found = kernel.ask("comm_info_request", content).content
    assert found["status"] == "ok"
    return {key: each["target_name"] for key, each in found["comms"].items()}
