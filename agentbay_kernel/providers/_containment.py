"""Imports the AgentBay SDK without its side effects on files, streams, logs and proxies."""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import re
import sys
import threading
from contextvars import ContextVar
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import SessionGone
from agentbay_kernel.providers._stand_ins import Finder, PutOff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger("agentbay_kernel.sdk")
# A program without logging would print the warnings.
log.addHandler(logging.NullHandler())

SDK = "agentbay"
SDK_LOGGER = "agentbay._common.logger"
PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})

_lock = threading.Lock()
_sdk: ModuleType | None = None
_direct: ContextVar[bool] = ContextVar("agentbay_kernel_direct", default=False)


def load() -> ModuleType:
    """The SDK, imported on the first call; takes about half a second then."""
    global _sdk
    with _lock:
        if _sdk is None:
            _sdk = _import()
        return _sdk


def loaded() -> bool:
    """Whether `load` answers at once."""
    return _sdk is not None


def preload() -> threading.Thread:
    """Import the SDK in the background; an error shows when a session is asked for."""
    thread = threading.Thread(target=_preload, name="agentbay-sdk-import", daemon=True)
    thread.start()
    return thread


def _preload() -> None:
    try:
        load()
    except Exception:
        log.warning("the SDK could not be imported ahead of its use", exc_info=True)


def _import() -> ModuleType:
    if SDK_LOGGER in sys.modules:
        # The user's own code was first: the SDK logs to that program's sinks already, and
        # would write our cells' code there.
        sys.modules["loguru"].logger.disable(SDK)
    finder = Finder(_stand_ins())
    sys.meta_path.insert(0, finder)
    # A fifth of the import's time would go into looking for garbage that modules are not.
    collecting = gc.isenabled()
    gc.disable()
    try:
        module = importlib.import_module(SDK)
    finally:
        if collecting:
            gc.enable()
        sys.meta_path.remove(finder)
    _silence_handlers()
    _patch_proxies()
    return module


def _stand_ins() -> dict[str, dict[str, Any]]:
    """What single modules find in place of what they import.

    The SDK's logging module removes the sinks of the program's loguru, adds its own, and opens a
    log file where it is imported. The others call a log client, and a scheduler and signatures
    for kinds of credentials that are no API key: a fifth of the whole import.
    """
    primitives = "cryptography.hazmat.primitives"
    put_off = {
        "agentbay._common.trace_manager": (
            "aliyun.log", "aliyun.log.putlogsrequest", "aliyun.log.logitem",
        ),
        "alibabacloud_credentials.provider.ecs_ram_role": ("apscheduler.schedulers.background",),
        "alibabacloud_tea_openapi.utils": (
            primitives, f"{primitives}.asymmetric", f"{primitives}.serialization",
        ),
    }  # fmt: skip
    return {
        SDK_LOGGER: {"loguru": SimpleNamespace(logger=Forward()), "os": _LoggerOs()},
        **{user: {name: PutOff(name) for name in names} for user, names in put_off.items()},
    }


class _LoggerOs:
    """`os` for the SDK's logging module, whose log file is the null device."""

    def getenv(self, name: str, default: str | None = None) -> str | None:
        return os.devnull if name == "AGENTBAY_LOG_FILE" else os.environ.get(name, default)

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


class Forward:
    """Stands for the loguru logger: warnings reach Python's logging, the rest ends here.

    A message may hold code, outputs or keys after its first `:` or `=`; only what stands
    before, and where it was logged, is passed on.
    """

    def bind(self, **_: Any) -> Forward:
        return self

    def opt(self, *_: Any, **__: Any) -> Forward:
        return self

    def warning(self, message: Any, *_: Any, **__: Any) -> None:
        self._pass(logging.WARNING, message)

    def error(self, message: Any, *_: Any, **__: Any) -> None:
        self._pass(logging.ERROR, message)

    exception = critical = error

    def _pass(self, level: int, message: Any) -> None:
        frame = sys._getframe(2)
        while frame.f_back and frame.f_globals.get("__name__") == SDK_LOGGER:
            frame = frame.f_back
        where = f"{frame.f_globals.get('__name__')}:{frame.f_lineno}"
        head = re.split(r"[:=\n]", str(message), maxsplit=1)[0]
        error = sys.exception()
        kind = f" ({type(error).__name__})" if error is not None else ""
        log.log(level, "%s %s%s", where, _plain(head), kind)

    def __getattr__(self, _: str) -> Any:
        return _nothing


def _nothing(*_: Any, **__: Any) -> int:
    return 0


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m|[^\w\s.,()'/-]", "", text).strip()[:80]


def _silence_handlers() -> None:
    """Take away the stderr handlers that the SDK's dependencies give their own loggers."""
    for name in ("darabonba-core", "alibabacloud-tea", "credentials"):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            if type(handler) is logging.StreamHandler:
                logger.removeHandler(handler)
        # At DEBUG they would fill the host's root handlers with request headers.
        logger.setLevel(logging.WARNING)


@contextlib.contextmanager
def direct() -> Iterator[None]:
    """Within, and in this task alone, the SDK's own calls use no proxy of the environment."""
    token = _direct.set(True)
    try:
        yield
    finally:
        _direct.reset(token)


def sync_session(key: str, region: str, endpoint: str, session_id: str, *, local: bool) -> Any:
    """The SDK's own `Session`, whose functions block, found by its id; raises SessionGone.

    When it is `local`, no proxy of the environment is used.
    """
    sdk = load()
    # Any Config keeps the SDK from reading `.env` files into the environment.
    config = sdk.Config(region_id=region or None)
    config.endpoint = None if region else endpoint
    account = sdk.AgentBay(api_key=key, cfg=config)
    if local and hasattr(account.client, "do_rpcrequest"):
        account.client.do_rpcrequest = _directly(account.client.do_rpcrequest)
    result = account.get(session_id)
    if not result.success:
        raise SessionGone(f"Session {session_id} was not found")
    if local and hasattr(result.session, "_link_http_client"):
        httpx: Any = importlib.import_module("httpx")
        result.session._link_http_client = httpx.Client(timeout=900, trust_env=False)
    return result.session


def _directly(call: Callable[..., Any]) -> Callable[..., Any]:
    def calling(*arguments: Any, **options: Any) -> Any:
        with direct():
            return call(*arguments, **options)

    return calling


def _patch_proxies() -> None:
    """Make the two places that read proxy variables for the SDK obey `direct`.

    Darabonba reads them without heed of NO_PROXY, websockets sends even a loopback address
    through HTTP_PROXY; `os.environ` itself stays as it is for all other code.
    """
    darabonba: Any = importlib.import_module("darabonba.core")
    if hasattr(darabonba, "os"):
        darabonba.os = _DarabonbaOs()
    client: Any = importlib.import_module("websockets.asyncio.client")
    original = getattr(client, "get_proxy", None)
    if original is not None:
        client.get_proxy = lambda uri: None if _direct.get() else original(uri)


class _DarabonbaOs:
    """`os` for darabonba, whose environment hides the proxies within `direct`."""

    environ = property(lambda self: _Environ())

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


class _Environ:
    def get(self, name: str, default: str | None = None) -> str | None:
        if _direct.get() and name.lower() in PROXIES:
            return default
        return os.environ.get(name, default)

    def __getattr__(self, name: str) -> Any:
        return getattr(os.environ, name)
