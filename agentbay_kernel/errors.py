"""Every error that this package raises on purpose.

KernelError
├── OptionError            an option or an environment variable has a value that cannot be used
├── UsageError             a magic was called in a way that it does not offer
│   └── Exists             a file of another content is there and was not to be replaced
├── ServiceError           the local service could not be started or has died
├── ProviderError          the provider answered with an error
│   ├── KeyMissing         no API key is known
│   ├── KeyRefused         the provider does not accept the API key
│   ├── Unreachable        no connection to the provider
│   ├── ImageUnknown       the provider has no such image
│   ├── SessionLimit       no further session may be created
│   ├── SessionGone        the session has ended or never existed
│   ├── ContextGone        there is no persistent context of that name
│   ├── NotSupported       this session or provider cannot do it
│   └── ToolError          a tool ran in the session and failed
├── BridgeError            the interpreter's control channel does not do what was asked
│   ├── ChannelEnded       it has ended, as when a connection breaks; another may be opened
│   └── InterpreterGone    nobody listens at its other end: the interpreter has died
├── ConnectionLost         the connection broke while a cell was running
├── CellTimeout            the provider's time limit ended the cell
├── RemoteError            code that was sent into a session of a pool raised an exception
└── SyncError              a context was not uploaded or downloaded

Each carries a short message that says what failed, what survived, and what to type next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class KernelError(Exception):
    """Base of all; `str()` is the message for the user."""

    survived = ""
    next_step = ""

    def __init__(
        self,
        message: str,
        *,
        survived: str = "",
        next_step: str = "",
        code: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.survived = survived or type(self).survived
        self.next_step = next_step or type(self).next_step
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        parts = [self.message.rstrip(".") + "."]
        parts += [text.rstrip(".") + "." for text in (self.survived, self.next_step) if text]
        if self.request_id:
            parts.append(f"(request id {self.request_id})")
        return " ".join(parts)


class OptionError(KernelError):
    """Raised when an option or environment variable has a value that cannot be used."""


class UsageError(KernelError):
    """Raised when a magic is called in a way that it does not offer."""


class Exists(UsageError):
    """Raised when files of another content would be replaced, which nobody has asked for."""


class ServiceError(KernelError):
    """Raised when the local service cannot be started or has died."""

    next_step = "Run the cell again to start the service; its log: agentbay-kernel service status"


class ProviderError(KernelError):
    """Raised when the provider answers with an error; `code` is the provider's own."""


class KeyMissing(ProviderError):
    """Raised when a cloud provider is asked for and no API key is known."""

    next_step = (
        "Type %agentbay login, or set AGENTBAY_API_KEY before the kernel starts, or use "
        "provider = local"
    )


class KeyRefused(ProviderError):
    """Raised when the provider does not accept the API key."""

    next_step = "Check the API key and the region, then restart the kernel"


class Unreachable(ProviderError):
    """Raised when no connection to the provider can be made, or an answer does not come."""

    next_step = "Check the network, proxy and endpoint, then run the cell again"


class ImageUnknown(ProviderError):
    """Raised when the provider has no image of the name that was asked for."""

    next_step = "Name another image: %agentbay new --image code_latest"


class SessionLimit(ProviderError):
    """Raised when the account may not have a further session now."""

    next_step = "See %agentbay list, and end one with %agentbay delete ID"


class SessionGone(ProviderError):
    """Raised when the session has ended, or there is none of that id."""

    survived = "Its names and files are gone; synced contexts are kept"
    next_step = "Run the cell again to start a new session"


class ContextGone(ProviderError):
    """Raised when there is no persistent context of that name or id, or no longer."""

    next_step = "%sync contexts lists those that there are"


class NotSupported(ProviderError):
    """Raised when this session, image or provider cannot do what was asked."""


class ToolError(ProviderError):
    """Raised when a tool ran in the session and reported a failure."""


class BridgeError(KernelError):
    """Raised when the interpreter's control channel is not there, or does not answer."""

    survived = "The session and its names are kept"


class ChannelEnded(BridgeError):
    """Raised when the control channel ends before it has answered."""


class InterpreterGone(BridgeError):
    """Raised when the interpreter that the bridge knew has died."""

    survived = "The session and its files are kept"


class ConnectionLost(KernelError):
    """Raised when the connection breaks while a cell runs: its later output is not seen."""

    survived = "The session is kept and the cell may still be running in it"
    next_step = "Run the cell again, or Stop it first"


class CellTimeout(KernelError):
    """Raised when the provider's time limit ended the cell."""

    survived = "The session and its names are kept"
    next_step = "Raise the option cell_timeout_seconds, or run the work in pieces"


class RemoteError(KernelError):
    """Raised when a pool's work raised in its session: the exception's name, text and traceback."""

    def __init__(self, ename: str, evalue: str, traceback: Sequence[str]) -> None:
        super().__init__(f"{ename}: {evalue}")
        self.ename = ename
        self.evalue = evalue
        self.traceback = tuple(traceback)

    def __str__(self) -> str:
        return "\n".join([self.message, *(["", *self.traceback] if self.traceback else [])])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.ename, self.evalue, self.traceback)


class SyncError(KernelError):
    """Raised when a context was not uploaded or downloaded."""
