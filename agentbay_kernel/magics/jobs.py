"""`%%background` and `%agentbay jobs`: cells that run detached in the session."""

from __future__ import annotations

import ast
import asyncio
import codecs
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agentbay_kernel import jobs as work
from agentbay_kernel.errors import UsageError
from agentbay_kernel.events import Stream
from agentbay_kernel.magics import render
from agentbay_kernel.magics.registry import Context, argument, command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentbay_kernel.session import Session

FOLLOW_SECONDS = 0.5


async def _ids(context: Context, _word: str) -> Iterable[str]:
    session = context.manager.session
    return [job.job_id for job in await work.listing(session)] if session is not None else ()


@command(
    "%%background",
    "",
    argument("kind", nargs="?", default="python", choices=tuple(work.PROGRAMS), help="a program"),
)
async def background(context: Context, args: Any) -> None:
    """Run the cell detached in the session: the notebook goes on at once.

    It runs in an interpreter of its own, plain Python or bash, that shares the session's files but
    no names. It goes on when the kernel restarts or is interrupted, and ends with the session. It
    does not prolong its life: `%agentbay extend` and `--follow` do. `%agentbay jobs` lists them.
    """
    if not args.body.strip():
        raise UsageError("The cell has no lines to run")
    if args.kind == "python":
        try:
            ast.parse(args.body)
        except SyntaxError as error:
            raise UsageError(
                f"Line {(error.lineno or 0) + 1} is no plain Python: {error.msg}. Nothing has run",
                next_step="%%background bash runs shell commands",
            ) from error
    session = await context.manager.ensure()
    job = await work.start(session, args.body, args.kind)
    context.manager.used()
    context.emit(render.line(f"Job {job} runs in the session: %agentbay jobs {job}"))


@command(
    "agentbay",
    "jobs",
    argument("job", nargs="?", default="", help="a job's id: shows its output so far"),
    argument("--follow", action="store_true", help="go on showing its output until it ends"),
    argument("--cancel", action="store_true", help="end it, and all that it has started"),
    complete={"job": _ids},
)
async def jobs(context: Context, args: Any) -> Any:
    """List the session's background jobs, show what one has written, or end it.

    Jobs are started by %%background. A Stop ends --follow, not the job.
    """
    if args.follow and args.cancel:
        raise UsageError("--follow and --cancel exclude each other")
    if not args.job and (args.follow or args.cancel):
        raise UsageError("Which job? %agentbay jobs lists them")
    session = await context.manager.ensure()
    if args.cancel:
        await work.cancel(session, args.job)
        context.emit(render.line(f"Job {args.job} is cancelled. Its output is kept."))
        value: Any = args.job
    elif args.job:
        value = await _show(context, session, args.job, follow=args.follow)
    else:
        value = await _list(context, session)
    context.manager.used()
    return value


async def _list(context: Context, session: Session) -> Any:
    found = await work.listing(session)
    rows = [
        (
            job.job_id,
            f"failed ({job.status})" if job.state == "failed" else job.state,
            f"{datetime.fromtimestamp(job.started):%Y-%m-%d %H:%M:%S}",
            f"{job.size:,}",
            job.kind,
            job.title,
        )
        for job in found
    ]
    note = "" if found else "No jobs. A cell that begins with %%background starts one."
    headers = ("job", "state", "started", "bytes written", "program", "first line")
    context.emit(render.table(headers, rows, note))
    return [asdict(job) for job in found]


async def _show(context: Context, session: Session, job: str, *, follow: bool) -> Any:
    """Show a job's output, to the end of what there is, or to its end."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    done = 0
    while True:
        state, data = await work.output(session, job, done)
        done += len(data)
        if text := decoder.decode(data):
            context.emit(Stream("stdout", text))
        if len(data) == work.CHUNK:
            continue
        if not follow or state != "running":
            break
        context.manager.used()
        await asyncio.sleep(FOLLOW_SECONDS)
    context.emit(render.line(_ending(job, state)))
    return {"job": job, "state": state, "bytes": done}


def _ending(job: str, state: str) -> str:
    if state.isdigit():
        return f"— job {job} ended with status {state}"
    words = {"running": "is running", "cancelled": "was cancelled"}
    return f"— job {job} {words.get(state, 'ended unseen, as by a kill')}"
