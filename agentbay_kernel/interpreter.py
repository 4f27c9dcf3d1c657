"""Signal and replace a session's interpreters through its shell tool."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentbay_kernel.errors import ProviderError, ToolError

if TYPE_CHECKING:
    from agentbay_kernel.session import Session

log = logging.getLogger("agentbay_kernel.sessions")

# The patterns are broken up so that the shell that runs this does not find itself. What the cloud
# runs is not documented; both an inner ipykernel and the local service's worker are looked for.
# Where the local service has no sandbox, the kernels of this whole computer are seen: the session's
# own is the one with the session's environment of packages.
_FIND = r"""
best=
for d in /proc/[0-9]*; do
  c=$(tr '\0' ' ' < $d/cmdline 2>/dev/null) || continue
  case $c in
    PATTERNS) ;;
    *) continue;;
  esac
  case $VIRTUAL_ENV in
    */opt/agentbay/env)
      tr '\0' '\n' < $d/environ 2>/dev/null | grep -qxF "VIRTUAL_ENV=$VIRTUAL_ENV" || continue;;
  esac
  read -r s < $d/stat 2>/dev/null || continue
  pid=${d#/proc/}; set -- ${s##*) }
  case $1 in Z|X) continue;; esac
  if [ -z "$best" ] || [ "$pid" -lt "$best" ]; then best=$pid; group=$3; fi
done
[ -n "$best" ] || { echo '{"pid": 0, "group": 0}'; exit 0; }
"""
# Those of the local service, and those of the usual Jupyter kernels, which a cloud may run.
_PATTERNS = {
    "python": r"""*ipykernel_launch"er"*|*"-m ipykern"el*|*service.workers.pyth"on"*""",
    "r": r"""*workers/cel"l.R"*|*IRkern"el"*""",
    "java": r"""*workers/Cel"l.java"*|*org.dflib.jjav"a"*|*IJav"a"*""",
    "javascript": r"""*workers/cel"l.js"*|*tsla"b"*|*ijavascri"pt"*""",
}
_ANSWER = r"""printf '{"pid": %s, "group": %s}\n' "$best" "$group" """
_SIGNAL = r"""if [ "$group" = "$best" ]; then kill -{0} -- -$best; else kill -{0} $best; fi
"""


@dataclass(frozen=True, slots=True)
class Process:
    """The interpreter's pid in the session, 0 when there is none, and its process group."""

    pid: int
    group: int


@dataclass(frozen=True, slots=True)
class Clearing:
    """How a restarted kernel emptied the namespace, and whether that was proved."""

    how: str
    proved: bool


async def find(session: Session, language: str = "python") -> Process:
    """The session's interpreter of a language."""
    return await _run(session, _find(language) + _ANSWER)


async def signal(session: Session, name: str, language: str = "python") -> Process:
    """Send a signal (`INT`, `KILL`) to the interpreter, and to its group when it leads one."""
    return await _run(session, _find(language) + _SIGNAL.format(name) + _ANSWER)


async def kill_all(session: Session) -> Process:
    """Kill the interpreters of all languages that keep a state, and give Python's."""
    kill = _SIGNAL.format("KILL")
    others = "".join(f"({_find(name)}{kill}) >/dev/null\n" for name in ("r", "java"))
    return await _run(session, others + _find("python") + kill + _ANSWER)


async def clear(session: Session) -> Clearing:
    """Empty the session's namespace: replace the interpreter and prove that a new one answers."""
    try:
        before = await kill_all(session)
        if not before.pid:
            return Clearing("no interpreter was running", proved=True)
        for _ in range(50):
            after = await find(session)
            if after.pid != before.pid:
                return Clearing("the interpreter was replaced", proved=True)
            await asyncio.sleep(0.1)
    except ProviderError:
        log.warning("the interpreter could not be replaced", exc_info=True)
    return Clearing("the interpreter could not be replaced", proved=False)


def _find(language: str) -> str:
    return _FIND.replace("PATTERNS", _PATTERNS[language])


async def _run(session: Session, script: str) -> Process:
    result = await session.shell(script, timeout=10)
    try:
        found = json.loads(result.stdout.strip().splitlines()[-1])
        return Process(int(found["pid"]), int(found["group"]))
    except (IndexError, ValueError, KeyError) as error:
        text = (result.stderr or result.stdout).strip()
        raise ToolError(f"The session's interpreter could not be signalled: {text}") from error
