"""Programs that run detached in a session; all that is known of them lies in its files."""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentbay_kernel.errors import ToolError, UsageError

if TYPE_CHECKING:
    from agentbay_kernel.session import Session

PROGRAMS = {"python": "python -u", "bash": "bash"}
CHUNK = 192 << 10
"""Bytes of output that one request brings."""
CANCEL_SECONDS = 3

_ID = re.compile(r"[0-9a-f]{6}")
_PLACE = 'all="$HOME/.agentbay-jobs"\n'
# The group of the job's first process is its own, so that all it starts can be ended with it. One
# that is gone may have left its number to another process.
_STATE = r"""
state() {
  pid=$(cat "$1/pid" 2>/dev/null)
  alive=
  [ -n "$pid" ] && grep -qaF "$1" "/proc/$pid/cmdline" 2>/dev/null && alive=yes
  # Only now, as it may end between the two looks.
  if [ -f "$1/status" ]; then
    if [ -f "$1/cancelled" ]; then echo cancelled; else cat "$1/status"; fi
  elif [ -n "$alive" ]; then echo running
  elif [ -f "$1/cancelled" ]; then echo cancelled
  elif [ -z "$pid" ]; then echo running
  else echo lost; fi
}
"""
_START = r"""
job="$all/{job}"
mkdir -p -m 700 "$all" && mkdir "$job" && mv "${{TMPDIR:-/tmp}}/{part}" "$job/code" || exit 1
printf '%s' '{meta}' > "$job/meta"
: > "$job/output"
setsid sh -c 'echo $$ > "$0/pid"; {program} "$0/code" > "$0/output" 2>&1 < /dev/null
echo $? > "$0/status.part"; mv "$0/status.part" "$0/status"' "$job" > /dev/null 2>&1 < /dev/null &
"""
_LIST = r"""
for job in "$all"/*/; do
  job=${job%/}
  [ -f "$job/meta" ] || continue
  printf '%s\t%s\t%s\t' "${job##*/}" "$(state "$job")" "$(wc -c < "$job/output")"
  cat "$job/meta"
  echo
done
"""
_READ = r"""
job="$all/{job}"
[ -f "$job/meta" ] || exit 3
state "$job"
tail -c +{first} "$job/output" | head -c {count} | base64 -w0
"""
_CANCEL = r"""
job="$all/{job}"
[ -f "$job/meta" ] || exit 3
[ "$(state "$job")" = running ] || exit 4
pid=$(cat "$job/pid")
: > "$job/cancelled"
kill -TERM -- "-$pid"
i=0
while [ $i -lt {tenths} ] && kill -0 -- "-$pid" 2>/dev/null; do sleep 0.1; i=$((i+1)); done
kill -KILL -- "-$pid" 2>/dev/null
true
"""


@dataclass(frozen=True, slots=True)
class Job:
    """`state` is running, done, failed (with `status`), cancelled, or lost: it ended unseen."""

    job_id: str
    state: str
    status: int | None
    size: int
    kind: str
    started: float
    title: str


async def start(session: Session, code: str, kind: str) -> str:
    """Start a program and give the id of the job."""
    job = secrets.token_hex(3)
    part = f".agentbay-job-{job}"
    await session.files.write(f"/tmp/{part}", code.encode("utf-8", "surrogatepass"))
    first = next((line.strip() for line in code.split("\n") if line.strip()), "")
    # Only what needs no escape in a shell's quotes.
    title = re.sub(r"[^\w .,:;()=+*/\[\]-]", " ", first, flags=re.ASCII)[:60]
    meta = json.dumps({"kind": kind, "started": int(time.time()), "title": title})
    await _run(
        session, _START.format(job=job, part=part, meta=meta, program=PROGRAMS[kind]), "not started"
    )
    return job


async def listing(session: Session) -> list[Job]:
    """All jobs of the session, the latest first."""
    text = await _run(session, _STATE + _LIST, "not listed")
    jobs = [_job(line) for line in text.split("\n") if line.count("\t") >= 3]
    return sorted((job for job in jobs if job is not None), key=lambda job: -job.started)


async def output(session: Session, job: str, done: int) -> tuple[str, bytes]:
    """The state of a job, and what it has written after the first `done` bytes, a chunk of it."""
    script = _READ.format(job=_checked(job), first=done + 1, count=CHUNK)
    text = await _run(session, _STATE + script, "not read", job)
    state, _, data = text.partition("\n")
    try:
        return state.strip(), base64.b64decode(data)
    except binascii.Error as error:
        raise ToolError(f"The output of job {job} could not be read") from error


async def cancel(session: Session, job: str) -> None:
    """End a job and all that it has started; raises UsageError when it does not run."""
    script = _CANCEL.format(job=_checked(job), tenths=CANCEL_SECONDS * 10)
    await _run(session, _STATE + script, "not cancelled", job)


def _checked(job: str) -> str:
    if not _ID.fullmatch(job):
        raise _unknown(job)
    return job


def _unknown(job: str) -> UsageError:
    return UsageError(f"The session has no job {job}", next_step="%agentbay jobs lists them")


async def _run(session: Session, script: str, failed: str, job: str = "") -> str:
    result = await session.shell(_PLACE + script, timeout=30)
    if result.exit_code == 3:
        raise _unknown(job)
    if result.exit_code == 4:
        raise UsageError(f"Job {job} has ended already")
    if result.exit_code:
        raise ToolError(f"The job was {failed}: {result.stderr.strip()[:300]}")
    return result.stdout


def _job(line: str) -> Job | None:
    name, state, size, text = line.split("\t", 3)
    try:
        meta = json.loads(text)
        status = int(state) if state.isdigit() else None
        word = state if status is None else "failed" if status else "done"
        return Job(
            name, word, status, int(size), str(meta["kind"]), float(meta["started"]),
            str(meta["title"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return None  # not written by us
