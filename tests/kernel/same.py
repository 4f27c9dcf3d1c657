"""What two kernels said, without what differs by place and time."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.kernels import Exchange, RunningKernel

_VARYING = (
    (r"0x[0-9a-f]+", "0x"),
    (r"/tmp/ipykernel_\d+/\d+\.py", "/tmp/cell.py"),
    (r"\(\d{6,}\.py, ", "(cell.py, "),
    (r"\b[0-9a-f]{32}\b", "id"),
)


def plain(value: Any) -> Any:
    """JSON without addresses, temporary files and ids."""
    text = json.dumps(value, default=str, sort_keys=True)
    for pattern, stands in _VARYING:
        text = re.sub(pattern, stands, text)
    return json.loads(text)


def shown(exchange: Exchange) -> list[list[Any]]:
    """The outputs in order, text of one stream put together and streams before other outputs.

    Streams may come in any number of messages, and stdout and stderr in any order to each other.
    """
    texts: dict[str, str] = {}
    others = []
    for message in exchange.outputs:
        content = message["content"]
        if message["msg_type"] == "stream":
            texts[content["name"]] = texts.get(content["name"], "") + content["text"]
        elif message["msg_type"] not in ("status", "execute_input"):
            others.append([message["msg_type"], content])
    return plain([*sorted(texts.items()), *others])


def told(exchange: Exchange) -> dict[str, Any]:
    """The content of a reply, without what only an ipyparallel engine tells."""
    content = dict(exchange.content)
    content.pop("engine_info", None)
    return plain(content)


def level(*kernels: RunningKernel) -> None:
    """Bring the kernels to the same execution count."""
    counts = [kernel.execute("pass").content["execution_count"] for kernel in kernels]
    for kernel, count in zip(kernels, counts, strict=True):
        for _ in range(max(counts) - count):
            kernel.execute("pass")


def prompt_of(kernel: RunningKernel, text: str) -> str:
    """A prompt as the kernel shows it: ours says that a session asks."""
    return text if kernel.name == "python3" else f"[session] {text}"
