"""The text that brings `remote/` into an interpreter together with its first cell."""

from __future__ import annotations

import base64
import json
import zlib
from functools import cache
from importlib import resources

from agentbay_kernel.remote.loader import PACKAGE

_START = """\
await (lambda z, b: (lambda scope: (exec(z.decompress(b.b64decode({loader!r})), scope), \
scope["start"])[1])({{}}))(__import__("zlib"), __import__("base64"))(\
{archive!r}, {nonce!r}, {cell!r})
"""


def first(nonce: str, cell: str) -> str:
    """One statement that hooks an interpreter and runs `cell`, header included, in it.

    In an interpreter without IPython it is a syntax error, so that nothing of the cell runs.
    """
    loader, archive = _packed()
    return _START.format(loader=loader, archive=archive, nonce=nonce, cell=cell)


@cache
def _packed() -> tuple[str, str]:
    """The loader and all other modules, deflated, in base64."""
    texts = {}
    for entry in (resources.files("agentbay_kernel") / "remote").iterdir():
        name, dot, kind = entry.name.rpartition(".")
        if dot and kind == "py":
            texts[name] = entry.read_text(encoding="utf-8")
    loader = texts.pop("loader")
    package = {f"{PACKAGE}.{name}": text for name, text in texts.items()}
    package[PACKAGE] = package.pop(f"{PACKAGE}.__init__")
    return _deflate(loader), _deflate(json.dumps(package))


def _deflate(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()
