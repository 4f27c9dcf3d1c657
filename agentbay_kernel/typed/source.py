"""The text that brings these modules into a session's interpreter; not itself sent."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from functools import cache
from importlib import resources

PACKAGE = "agentbay_typed"
# Each imports only those before it.
_ORDER = ("failures", "packing", "zones", "plain", "tables", "columns", "frames", "arrays")
_MODULES = (*_ORDER, "", "files")

_LOAD = """
import json, sys, types
for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
    del sys.modules[name]
package = types.ModuleType(PACKAGE)
package.__path__ = []
sys.modules[PACKAGE] = package
for name, text in json.loads(TEXTS):
    whole = PACKAGE + "." + name if name else PACKAGE
    module = types.ModuleType(whole) if name else package
    module.__package__ = PACKAGE
    if name:
        sys.modules[whole] = module
        setattr(package, name, module)
    exec(compile(text, whole.replace(".", "/") + ".py", "exec", dont_inherit=True), module.__dict__)
package.__digest__ = DIGEST
"""


@cache
def loader() -> str:
    """One statement that makes `import agentbay_typed` work; it leaves no names behind.

    `agentbay_typed` has `encode` and `decode`, `agentbay_typed.files` has `write` and `read`.
    """
    texts = []
    for name in _MODULES:
        file = resources.files("agentbay_kernel") / "typed" / f"{name or '__init__'}.py"
        texts.append([name, file.read_text(encoding="utf-8")])
    packed = base64.b64encode(zlib.compress(json.dumps(texts).encode(), 9)).decode()
    digest = hashlib.sha256(packed.encode()).hexdigest()[:16]
    there = f"getattr(__import__('sys').modules.get({PACKAGE!r}), '__digest__', '')"
    unpack = f"__import__('zlib').decompress(__import__('base64').b64decode({packed!r}))"
    scope = f"{{'PACKAGE': {PACKAGE!r}, 'DIGEST': {digest!r}, 'TEXTS': {unpack}}}"
    return f"{there} == {digest!r} or exec({_LOAD!r}, {scope})"
