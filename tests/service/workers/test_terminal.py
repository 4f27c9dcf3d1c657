"""Terminals."""

from __future__ import annotations

import contextlib

import pytest

from agentbay_kernel.service.port import ToolFailure
from tests.service.workers.sandboxes import Box, until

pytestmark = pytest.mark.timeout(60)


class Screen:
    def __init__(self, box: Box) -> None:
        self.box = box
        self.id = ""
        self.data = b""
        self.code: int | None = None

    async def open(self, shell: str | None = None, **options: object) -> Screen:
        self.id = await self.box.sandbox.pty_create(
            cols=90,
            rows=30,
            cwd=None,
            env={"PS1": "", **options.get("env", {})},  # type: ignore[dict-item]
            shell=shell,
            on_output=self._on_output,
            on_exit=self._on_exit,
        )
        return self

    def _on_output(self, pty: str, data: bytes) -> None:
        self.data += data

    def _on_exit(self, pty: str, code: int) -> None:
        self.code = code

    async def type(self, text: str) -> None:
        await self.box.sandbox.pty_input(self.id, text.encode())

    async def shows(self, text: str) -> None:
        await until(lambda: text.encode() in self.data)


async def test_terminal_is_real_and_has_its_size(box: Box) -> None:
    screen = await Screen(box).open(env={"A": "given"})
    await screen.type("tty; stty size; echo =$A=; ps -o tpgid= -p $$ | tr -d ' -'\n")
    await screen.shows("/dev/pts/")
    await screen.shows("30 90")
    await screen.shows("=given=")


async def test_resize_reaches_the_program(box: Box) -> None:
    screen = await Screen(box).open()
    await box.sandbox.pty_resize(screen.id, 100, 40)
    await screen.type("stty size\n")
    await screen.shows("40 100")


async def test_exit_code_is_told_and_the_terminal_is_gone(box: Box) -> None:
    screen = await Screen(box).open()
    assert await box.sandbox.pty_list() == [screen.id]
    await screen.type("exit 7\n")
    await until(lambda: screen.code is not None)
    assert screen.code == 7
    assert await box.sandbox.pty_list() == []
    with pytest.raises(ToolFailure, match="No such terminal"):
        await screen.type("x")


async def test_interrupt_key_stops_the_program_in_front(box: Box) -> None:
    screen = await Screen(box).open()
    # The shell echoes before it is ready to be interrupted.
    await screen.type("echo ready; sleep 30; echo code=$?\n")
    await screen.shows("ready\r\n")
    with contextlib.suppress(TimeoutError):
        for _ in range(20):
            await screen.type("\x03")
            await until(lambda: b"^C" in screen.data, 0.2)
            break
    await screen.type("echo after\n")
    await screen.shows("after\r\n")


async def test_kill_ends_what_runs_in_it(box: Box) -> None:
    screen = await Screen(box).open()
    await screen.type("(trap '' HUP; sleep 49.75) &\necho up\n")
    await screen.shows("up\r\n")
    await box.sandbox.pty_kill(screen.id)
    await until(lambda: screen.code is not None)
    left = await box.shell("ps ax | grep -c '[s]leep 49.75'")
    assert left["stdout"] == "0\n"


async def test_bytes_pass_unchanged_both_ways(box: Box) -> None:
    screen = await Screen(box).open()
    await screen.type("stty raw -echo; echo rea''dy; exec cat\n")
    await screen.shows("ready")
    data = bytes(range(256)) * 2000
    screen.data = b""
    await box.sandbox.pty_input(screen.id, data)
    await until(lambda: len(screen.data.lstrip(b"\r\n")) >= len(data) - 2)
    assert screen.data.endswith(data[2:])


async def test_unknown_shell_is_refused_by_name(box: Box) -> None:
    with pytest.raises(ToolFailure, match="No such shell: nosuchshell"):
        await Screen(box).open("nosuchshell")
