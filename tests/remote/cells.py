"""Cells in an interpreter that is no session: sent as the kernel sends them, read as it reads."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from agentbay_kernel.bridge import archive
from agentbay_kernel.bridge.run import Cell
from tests.bridge.framing import NONCE, read

PROGRAM = Path(__file__).with_name("interpreter.py")


def texts(cells, start=(), **fields):
    """What goes to the interpreter for each cell, the first with the hooks and start-up code."""
    sent = [
        Cell(code, request=f"m{number}", count=number, **fields).text(
            NONCE, start if number == 1 else ()
        )
        for number, code in enumerate(cells, 1)
    ]
    return [archive.first(NONCE, sent[0]), *sent[1:]]


def run(python, sent, folder, program=PROGRAM):
    """What comes back of these texts, run one after another in one shell."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder),
        "PYTHONIOENCODING": "utf-8",
    }  # fmt: skip
    ended = subprocess.run(
        [str(python), str(program)],
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        cwd=folder,
        check=False,
    )
    if (ended.returncode, ended.stderr) != (0, ""):
        raise AssertionError(f"ended with {ended.returncode}: {ended.stderr}")
    return read(ended.stdout)


def of(reader, request):
    """The kinds and contents of the messages of one request."""
    return {each["t"]: each["c"] for each in reader.messages if each["p"] == request}
