"""Play a recorded conversation of a front end against a kernel and check every answer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.kernels import Exchange, RunningKernel

RECORDINGS = Path(__file__).parent / "recordings"
ANSWER_SECONDS = 5.0
"""More than a busy machine takes, less than a front end waits; how fast is the bench's matter."""


def steps(name: str) -> list[dict[str, Any]]:
    """The recorded requests of one conversation, each with what it must be answered."""
    return [json.loads(line) for line in (RECORDINGS / f"{name}.jsonl").read_text().splitlines()]


def step(name: str, identity: str) -> dict[str, Any]:
    """One recorded request."""
    return next(each for each in steps(name) if each["id"] == identity)


def play(kernel: RunningKernel, name: str) -> dict[str, Exchange]:
    """Send every request of a conversation in turn; fails at the first wrong answer."""
    own = kernel.ask("kernel_info_request", {}).reply["header"]["session"]
    done = {}
    for each in steps(name):
        exchange = send(kernel, each)
        _check_form(exchange, own, each["id"])
        _check_answer(exchange, each["expect"], each["id"])
        done[each["id"]] = exchange
    return done


def send(kernel: RunningKernel, recorded: dict[str, Any]) -> Exchange:
    """Send one recorded request and wait for its end."""
    ask = kernel.tell if recorded["msg_type"].startswith("comm_") else kernel.ask
    if recorded["msg_type"] == "comm_info_request":
        ask = kernel.ask
    return ask(
        recorded["msg_type"],
        recorded["content"],
        channel=recorded["channel"],
        metadata=recorded.get("metadata"),
        header_extra=recorded.get("header_extra"),
    )


def _check_form(exchange: Exchange, own: str, name: str) -> None:
    assert exchange.seconds < ANSWER_SECONDS, f"{name} took {exchange.seconds:.2f} s"
    for message in exchange.outputs:
        assert message["header"]["session"] == own, name
        assert isinstance(message["parent_header"], dict), name
        if message["msg_type"] == "execute_input":
            assert message["content"]["code"] == exchange.request["content"]["code"], name


def _check_answer(exchange: Exchange, expect: dict[str, Any], name: str) -> None:
    kinds = [each["msg_type"] for each in exchange.outputs]
    shown = [kind for kind in kinds if kind not in ("status", "execute_input", "stream")]
    if "stdout" in expect:
        assert re.fullmatch(expect["stdout"], exchange.text(), re.DOTALL), (name, exchange.text())
    assert exchange.text("stderr") == "", name
    for key, value in expect.get("reply", {}).items():
        assert exchange.content.get(key) == value, (name, exchange.content)
    for key in expect.get("keys", ()):
        assert key in exchange.content, (name, exchange.content)
    if "comm" in expect:
        answer = exchange.of("comm_msg")[0]["data"]
        assert {key: answer.get(key) for key in expect["comm"]} == expect["comm"], name
    elif "iopub" in expect or "stdout" in expect:
        assert shown == expect.get("iopub", []), (name, exchange.outputs)
