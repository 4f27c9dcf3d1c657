"""The port to a provider of sessions: what the rest of the package may ask of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from agentbay_kernel.contexts import MountPolicy
from agentbay_kernel.errors import NotSupported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from agentbay_kernel.config import AgentBayOptions
    from agentbay_kernel.contexts import Contexts, Mounts
    from agentbay_kernel.events import Emit
    from agentbay_kernel.tools import ToolInfo, Tools

    Seen = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Mount:
    """A persistent context by name, and the folder of the session where it appears."""

    context: str
    path: str
    policy: MountPolicy = field(default_factory=MountPolicy)


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """What a new session shall be; times in minutes, None for the provider's default image."""

    image: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[Mount] = ()
    idle_minutes: int = 60
    max_minutes: int = 480


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this session can do, with the reason where it cannot (empty text: it can).

    Of a provider: what its sessions can at best.
    """

    stream: bool = False
    """Text comes while the cell runs."""
    pty: bool = False
    """A terminal, through which prompts, widgets and completion go at once."""
    shell: bool = False
    """Commands run beside the interpreter."""
    pause: bool = False
    """It can be put to sleep and woken."""
    mount: bool = False
    """Contexts can be mounted while it runs, not only in a new session."""
    variables: bool = False
    """Its environment can be read and set."""
    watch: bool = False
    """Changes of its files are told."""
    store: bool = False
    """Large files go through the provider's store, not as base64 through the tools."""
    bucket: bool = False
    """Its own client copies from and to `oss://` addresses."""
    lifetime: bool = False
    """The longest time that it may live can be chosen."""
    reasons: Mapping[str, str] = field(default_factory=dict)

    def need(self, name: str, what: str) -> None:
        """Raise NotSupported with the reason when it cannot; `what` says what was not done."""
        if not getattr(self, name):
            reason = self.reasons.get(name) or "this session cannot"
            raise NotSupported(f"{what}: {reason}")


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """Facts about a session; `resource_url` is a credential, `desktop` may hold tickets.

    `details` are further facts by the provider's own names: network, instance, configuration.
    """

    session_id: str
    status: str = ""
    image: str = ""
    resource_url: str = ""
    desktop: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One row of a listing."""

    session_id: str
    status: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class SessionPage:
    """One page of a listing; `total` counts all pages, None if the provider does not say."""

    sessions: Sequence[SessionSummary]
    next_token: str = ""
    total: int | None = None


@dataclass(frozen=True, slots=True)
class ContextState:
    """The last transfer of one context: `direction` is `upload`, `download` or empty."""

    context_id: str
    path: str
    direction: str = ""
    status: str = ""
    error: str = ""
    started: float | None = None
    finished: float | None = None


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file or folder of the session; `size` in bytes, `modified` in seconds since 1970."""

    path: str
    is_dir: bool
    size: int | None = None
    modified: float | None = None


@dataclass(frozen=True, slots=True)
class FileChange:
    """What happened to a path: `kind` is `create`, `modify` or `delete`."""

    path: str
    kind: str
    is_dir: bool = False


@dataclass(frozen=True, slots=True)
class StoreKeys:
    """Passing access to an object store; all but `endpoint` and `region` are secrets."""

    key_id: str = field(repr=False)
    secret: str = field(repr=False)
    token: str = field(repr=False)
    endpoint: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class ShellResult:
    """The end of a shell command."""

    stdout: str
    stderr: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class RunResult:
    """The end of a `run_code`; outputs and the error have gone to `emit` before."""

    ok: bool
    execution_count: int | None = None
    request_id: str = ""


class Files(Protocol):
    """The files of one session; paths are absolute POSIX paths in the session."""

    async def read(self, path: str) -> bytes:
        """The whole content of a file; raises ToolError when it cannot be read."""

    async def write(self, path: str, data: bytes) -> None:
        """Replace or create a file and its parent folders."""

    async def list(self, path: str) -> Sequence[FileInfo]:
        """The entries of a folder, in the provider's order."""

    async def info(self, path: str) -> FileInfo | None:
        """Facts about a path, None when nothing is there."""

    async def make_dir(self, path: str) -> None:
        """Create a folder and its parents; one that exists is left alone."""

    async def remove(self, path: str) -> None:
        """Remove a file or a folder with all it holds."""

    async def send(self, source: int, path: str, offset: int, length: int, seen: Seen) -> None:
        """Copy a piece of the open local file `source` to the same place of a file.

        An offset is a multiple of 1 MiB. `seen` is told the bytes on their way. Raises ToolError
        when the session then holds another content there.
        """

    async def fetch(self, path: str, into: int, offset: int, length: int, seen: Seen) -> None:
        """Copy a piece of a file to the same place of the open local file `into`, as `send`."""

    async def watch(self, path: str, changed: Callable[[Sequence[FileChange]], None]) -> None:
        """Tell of changes below a folder, on the running loop, until cancelled."""

    async def bucket(
        self, verb: Literal["upload", "download"], bucket: str, key: str, path: str, keys: StoreKeys
    ) -> None:
        """Copy a file of the session to or from an object store; raises NotSupported."""


class Machine(Protocol):
    """The machine that one session is."""

    async def metrics(self) -> Mapping[str, float]:
        """What it uses, by the names of the wire: sizes in bytes, rates in kilobytes a second."""

    async def variables(self) -> dict[str, str]:
        """The environment that its tools and shells get."""

    async def set_variables(self, values: Mapping[str, str]) -> None:
        """Set environment variables for interpreter, tools and shells; the rest is kept."""

    async def pause(self) -> None:
        """Put it to sleep; raises NotSupported where the provider or account cannot."""

    async def resume(self) -> None:
        """Wake it; one that is awake is left alone."""


class Terminal(Protocol):
    """A terminal of the session, a shell running in it."""

    async def send(self, text: str) -> None:
        """Type text."""

    async def close(self) -> None:
        """End it with all that runs in it; ended already is fine."""


class Session(Protocol):
    """One live session. Every call may raise ProviderError or one of its kinds.

    `idle_minutes` and `max_minutes` are what the provider granted, None where that is not known.
    `isolation` says how the session is kept apart from this computer, when it runs on it.
    A subclass has what is given here until it says otherwise.
    """

    session_id: str
    image: str = ""
    isolation: str = ""
    capabilities: Capabilities = Capabilities()
    files: Files
    mounts: Mounts
    tools: Tools
    machine: Machine
    idle_minutes: int | None = None
    max_minutes: int | None = None

    async def run_code(
        self, code: str, emit: Emit, *, language: str = "python", timeout: float = 28800
    ) -> RunResult:
        """Run `code` in the session's interpreter, called once a cell and never repeated.

        `emit` is called on the running loop, in order, and never after the return. An
        exception of the user's code is a `CellError` event and `ok=False`, not raised.
        Raises ConnectionLost, CellTimeout, SessionGone. Cancelling stops waiting only: the
        code goes on in the session.
        """

    async def shell(
        self,
        command: str,
        *,
        timeout: float = 50,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> ShellResult:
        """Run a shell command beside the interpreter, also while a cell runs."""

    async def open_terminal(
        self, on_text: Callable[[str], None], on_end: Callable[[], None]
    ) -> Terminal:
        """Open a terminal; `on_text` gets what it shows, on the running loop.

        Raises NotSupported where the provider has none.
        """

    async def call_tool(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Call one of the image's tools and give its text; raises ToolError."""

    async def info(self) -> SessionInfo:
        """Facts from the provider, asked now."""
        return SessionInfo(self.session_id, await self.status(), self.image)

    async def status(self) -> str:
        """The provider's word for the state, upper case; raises SessionGone."""
        await self.labels()  # it has no states, so what answers is running
        return "RUNNING"

    async def labels(self) -> dict[str, str]:
        """All labels, asked now."""

    async def set_labels(self, labels: Mapping[str, str]) -> None:
        """Make `labels` the session's labels."""

    async def link(self, *, port: int | None = None, protocol: str | None = None) -> str:
        """A URL to a port (30100 to 30199) of the session; the URL is a credential."""

    async def keep_alive(self) -> None:
        """Start the idle time anew."""

    async def contexts(self) -> Sequence[ContextState]:
        """The last transfers of the contexts bound to this session."""

    async def sync(self, direction: Literal["upload", "download"] = "upload") -> None:
        """Transfer all contexts and wait; raises SyncError with what failed."""

    async def delete(self, *, sync: bool = False) -> None:
        """End the session, first uploading its contexts when `sync`. Gone already is fine.

        One that is paused is resumed for it.
        """


class Provider(Protocol):
    """A place where sessions live. Made for one endpoint and key, defaults as in `Session`."""

    name: str
    endpoint: str = ""
    contexts: Contexts

    @classmethod
    def of(cls, options: AgentBayOptions) -> Self:
        """The provider that the options and the environment lead to."""
        return cls()

    @staticmethod
    def preload() -> object:
        """Import in the background what the first session needs."""

    def fingerprint(self, salt: bytes) -> str:
        """A salted hash of the key, to recognise the account without keeping the key."""

    def at_hand(self) -> bool:
        """Whether `create` has nothing to import or to start first."""
        return True

    async def create(self, spec: SessionSpec) -> Session:
        """Make a session; never repeated blindly, see the adapter."""

    async def get(self, session_id: str) -> Session:
        """The live session of that id, a paused one resumed; raises SessionGone."""

    async def tools(self, image: str) -> Sequence[ToolInfo]:
        """The tools of an image, for which no session is needed; raises ImageUnknown."""

    async def list(
        self,
        labels: Mapping[str, str],
        *,
        status: str | None = None,
        limit: int = 10,
        token: str = "",
    ) -> SessionPage:
        """One page of the sessions that have all of `labels`."""

    async def delete(self, session_id: str, *, sync: bool = False) -> None:
        """End a session by id; raises SessionGone when there is none."""
        await (await self.get(session_id)).delete(sync=sync)

    async def vendor_session(self, session_id: str) -> Any:
        """The vendor's own live object of a session, with functions in place of coroutines.

        What the vendor's SDK can do and this port does not say is reached by it.
        """

    async def close(self) -> None:
        """Close connections; sessions stay."""
