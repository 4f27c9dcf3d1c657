"""Runs ported snippets with the real SDK, several at once, and tells what each printed as JSON."""

from __future__ import annotations

import ast
import contextlib
import inspect
import json
import re
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from tests.guides import sdks

SDK = sdks.load(sys.argv[1])
CODE = "print('Task')"
# What the guides take for granted, beside a client and a session.
GIVEN = {
    **SDK.given,
    "contextlib": contextlib,
    "time": time,
    "code": CODE,
    "tasks": [{"code": CODE}] * 3,
}
LABELS = {"project": "demo", "environment": "development", "owner": "team-a"}
# More than a page of the guides' longest.
LISTED = 11


class Made(threading.local):
    """The sessions that a thread's snippet has made, which most guides do not delete."""

    def __init__(self):
        self.sessions = []


made = Made()
create = SDK.client.create


def noted(self, *args):
    result = create(self, *args)
    if result.session is not None:
        made.sessions.append(result.session)
    return result


SDK.client.create = noted


def session(labels=LABELS):
    """A session for a snippet that takes one for granted."""
    result = SDK.client().create(SDK.params(image_id=SDK.image, labels=labels))
    assert result.success, result.error_message
    return result.session


def run(code: str) -> dict[str, str]:
    """Run a snippet in a namespace of its own."""
    printed: list[str] = []
    scope = {**GIVEN, "__name__": "snippet"}
    scope["print"] = lambda *words: printed.append(" ".join(map(str, words)) + "\n")
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    if SDK.own_name in used:
        scope[SDK.own_name] = SDK.client()
    error = ""
    made.sessions.clear()
    try:
        if "await session." in code:
            scope["session"] = SDK.linked()
        elif "session" in used and ".list(" not in code:
            scope["session"] = session({"project": "demo"})
        exec(compile(code, "<snippet>", "exec"), scope)
    except BaseException:
        error = traceback.format_exc()
    for each in made.sessions:
        SDK.client().delete(each)
    return {"printed": "".join(printed), "error": error}


def shape(code: str) -> str | None:
    """What is wrong with a block that shows a signature; None for one that is to be run."""
    if found := re.fullmatch(r"(?:async )?((\w+)\(.*\)) -> \w+\n", code):
        return _differs(getattr(SDK.session, found[2]), found[1])
    if found := re.search(r"def (__init__\(.*\))\n", code):
        try:
            compile(code, "<snippet>", "exec")
        except SyntaxError:
            return _differs(SDK.session.__init__, found[1])
    # A list of properties or classes, which the table of coverage has.
    return "" if re.match(r"\w+( +# .*)?\n", code) else None


def _differs(function, text):
    definition = ast.parse(f"def {text}: ...").body[0]
    wanted = {each.arg for each in definition.args.args}
    missing = wanted - inspect.signature(function).parameters.keys()
    return f"{text}: no {', '.join(sorted(missing))}" if missing else ""


def main() -> None:
    """Read a JSON list of snippets, write the list of their outcomes."""
    snippets = json.load(sys.stdin)
    with ThreadPoolExecutor(8) as executor:
        # The listings see what is there, so they have the service to themselves.
        there = list(executor.map(lambda _: session(), range(LISTED)))
        shapes = {code: shape(code) for code in snippets}
        outcomes = {
            code: {"printed": "", "error": error}
            for code, error in shapes.items()
            if error is not None
        }
        outcomes |= {code: run(code) for code in snippets if ".list(" in code}
        list(executor.map(SDK.client().delete, there))
        rest = [code for code in snippets if code not in outcomes]
        outcomes |= zip(rest, executor.map(run, rest), strict=True)
    json.dump([outcomes[code] for code in snippets], sys.stdout)


if __name__ == "__main__":
    main()
