"""The first text that reaches an interpreter: makes modules of the texts that it carries.

This file is not imported in a session but executed as text; it knows no other of ours.
"""

from __future__ import annotations

import base64
import importlib
import importlib.abc
import importlib.util
import json
import linecache
import sys
import zlib
from typing import Any, Dict, Optional

PACKAGE = "agentbay_remote"


class Loader(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds the package's modules in a dictionary of texts."""

    package = PACKAGE

    def __init__(self, texts: Dict[str, str]) -> None:
        self._texts = texts

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The spec of one of the modules."""
        if name not in self._texts:
            return None
        return importlib.util.spec_from_loader(name, self, is_package=name == PACKAGE)

    def get_source(self, fullname: str) -> Optional[str]:
        """The text of a module."""
        return self._texts.get(fullname)

    def get_code(self, fullname: str) -> Any:
        """The module's code, whose lines a traceback can show."""
        text, name = self._texts[fullname], fullname.replace(".", "/") + ".py"
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        return compile(text, name, "exec", dont_inherit=True)

    def is_package(self, fullname: str) -> bool:
        """Whether it is the package itself."""
        return fullname == PACKAGE


async def start(archive: str, nonce: str, text: str) -> None:
    """Load the modules, those of another kernel's version included, and run the first cell."""
    texts = json.loads(zlib.decompress(base64.b64decode(archive)))
    former = sys.modules.get(PACKAGE + ".install")
    installed = getattr(former, "_installed", None)
    if installed is not None:
        installed.remove()
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    sys.meta_path[:] = [each for each in sys.meta_path if getattr(each, "package", None) != PACKAGE]
    sys.meta_path.append(Loader(texts))
    install = importlib.import_module(PACKAGE + ".install")
    await install.install(nonce, text)
