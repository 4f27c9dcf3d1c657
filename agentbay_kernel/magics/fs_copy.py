"""`%fs put` and `%fs get`: copies between this computer and the session."""

from __future__ import annotations

import asyncio
import time
import uuid
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentbay_kernel import transfer
from agentbay_kernel.errors import KernelError, UsageError
from agentbay_kernel.events import DisplayData, UpdateDisplayData
from agentbay_kernel.magics import render
from agentbay_kernel.magics.fs_paths import (
    WORKSPACE,
    complete_either,
    remote_path,
    remote_paths,
)
from agentbay_kernel.magics.registry import Context, argument, command
from agentbay_kernel.transfer import plan
from agentbay_kernel.transfer.names import shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agentbay_kernel.transfer import Copy, Plan, Progress

# A copy that is over sooner shows no bar; a bar is drawn anew so often.
QUIET_SECONDS = 0.5
REDRAW_SECONDS = 0.25
FEW = 10
FIGURES = "{desc}{percentage:3.0f}% {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}]"
FORCE = argument("--force", action="store_true", help="replace what is there")


class Bar:
    """The progress of one copy, with rate and rest: one display that is updated in place."""

    def __init__(self, context: Context, words: str) -> None:
        self._context = context
        self._words = words
        self._name = uuid.uuid4().hex
        self._began = self._copying = self._drawn = time.monotonic()
        self._first: int | None = None
        self.done = self.total = 0
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        """Take the bytes that are copied."""
        now = time.monotonic()
        if self._first is None:
            # What was found out before is no part of the rate.
            self._first, self._copying = done, now
        self.done, self.total = done, total
        if self._first >= total:
            return
        wait = REDRAW_SECONDS if self._shown else QUIET_SECONDS
        if now - self._drawn >= wait:
            self._drawn = now
            self._draw()

    def end(self) -> None:
        """Show the last state of a bar that was shown."""
        if self._shown:
            self._draw()

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self._began

    def _draw(self) -> None:
        # Not tqdm's widget: in a saved notebook nothing would be left of it.
        data = {
            "text/plain": self._meter(),
            "text/html": f'<progress value="{self.done}" max="{self.total}"></progress> '
            f"<code>{escape(self._meter(FIGURES))}</code>",
        }
        kind = UpdateDisplayData if self._shown else DisplayData
        self._context.emit(kind(data, display_id=self._name))
        self._shown = True

    def _meter(self, form: str | None = None) -> str:
        from tqdm.std import tqdm

        text: str = tqdm.format_meter(
            self.done,
            self.total,
            time.monotonic() - self._copying,
            ncols=80,
            prefix=self._words,
            unit="B",
            unit_scale=True,
            initial=self._first or 0,
            bar_format=form,
        )
        return text


@command(
    "fs",
    "put",
    argument("paths", nargs="+", metavar="LOCAL… [REMOTE]", help="files here, then the target"),
    FORCE,
    complete={"paths": complete_either},
)
async def put(context: Context, args: Any) -> Any:
    """Send files and folders of this computer to the session.

    `%fs put data.csv` sends it to the working folder. Of two or more words the last is the target
    in the session: a folder when it ends in / or several files are sent. Wildcards are allowed,
    folders go with all they hold but links. What is there already with the same content is not
    sent again; a large file that was stopped goes on where it stopped.
    """
    slash = "/" if args.paths[-1].endswith("/") else ""
    words = args.paths[: max(1, len(args.paths) - 1)]
    target = remote_path(args.paths[-1]) + slash if len(args.paths) > 1 else WORKSPACE
    # Looked at first: a wrong name starts no session.
    sources = plan.local_paths(words)
    _check_local(sources)
    session = await context.manager.ensure()

    def work(progress: Progress, force: bool) -> Awaitable[list[Copy]]:
        return transfer.send(session, made, force=force, progress=progress)

    made = await plan.to_session(session, sources, target)
    copies = await _run(context, made, work, args.force, "put")
    return [copy.remote for copy in copies]


def _check_local(sources: list[Path]) -> None:
    for source in sources:
        if not source.is_file() and not source.is_dir():
            raise UsageError(f"There is no file {shown(str(source))} on this computer")


@command(
    "fs",
    "get",
    argument("paths", nargs="+", metavar="REMOTE… [LOCAL]", help="files there, then the target"),
    FORCE,
    complete={"paths": complete_either},
)
async def get(context: Context, args: Any) -> Any:
    """Fetch files and folders of the session to this computer.

    `%fs get result.csv` fetches it to the notebook's folder. Of two or more words the last is the
    target here: a folder when it is one, ends in / or several files are fetched. Nothing is
    written outside of it, whatever names the session gives. The rest is as with put.
    """
    words = args.paths[: max(1, len(args.paths) - 1)]
    last = args.paths[-1] if len(args.paths) > 1 else "."
    target = str(Path(last).expanduser()) + ("/" if last.endswith("/") else "")
    session = await context.manager.ensure()
    sources = await remote_paths(session, words)

    def work(progress: Progress, force: bool) -> Awaitable[list[Copy]]:
        return transfer.receive(session, made, force=force, progress=progress)

    made = await plan.to_here(session, sources, target)
    copies = await _run(context, made, work, args.force, "get")
    return [str(copy.local) for copy in copies]


async def _run(
    context: Context,
    made: Plan,
    work: Callable[[Progress, bool], Awaitable[list[Copy]]],
    force: bool,
    verb: str,
) -> list[Copy]:
    bar = Bar(context, verb)
    try:
        copies = await work(bar, force)
    except (asyncio.CancelledError, KernelError):
        bar.end()
        if bar.done:
            context.emit(
                render.line(
                    f"{bar.done:,} of {bar.total:,} bytes were copied; the same %fs {verb} goes on "
                    "from there. No file has its name before it is whole."
                )
            )
        raise
    context.manager.used()
    bar.end()
    _tell(context, made, copies, bar, verb)
    return copies


def _tell(context: Context, made: Plan, copies: list[Copy], bar: Bar, verb: str) -> None:
    """One line for a few files, one in all for many."""
    new = [copy for copy in copies if not copy.there]
    if len(copies) <= FEW:
        for copy in copies:
            local, remote = shown(str(copy.local)), shown(copy.remote)
            ends = (local, remote) if verb == "put" else (remote, local)
            there = ", there already" if copy.there else ""
            context.emit(render.line(f"{ends[0]} → {ends[1]} ({copy.size:,} bytes{there})"))
    elif new:
        size = sum(copy.size for copy in new)
        rate = size / max(bar.seconds, 0.001) / 1e6
        context.emit(
            render.line(
                f"{len(new):,} files → {shown(made.top)} ({size:,} bytes, {bar.seconds:.1f} s, "
                f"{rate:.1f} MB/s)"
            )
        )
    if len(new) < len(copies) and len(copies) > FEW:
        context.emit(render.line(f"{len(copies) - len(new):,} files were there already"))
    if made.left_out:
        context.emit(render.line(f"{made.left_out:,} links and devices were left out"))
