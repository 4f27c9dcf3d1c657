"""Every option: its default, help and environment variable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import platformdirs
from traitlets import Bool, Enum, Float, Int, TraitError, Unicode
from traitlets.config import Configurable

from agentbay_kernel.errors import OptionError

APP = "agentbay-kernel"
ENGINES = ("pipe", "ipykernel")
PROVIDERS = ["auto", "agentbay", "agb", "local"]
"""The values of `provider`; a provider that registers itself is added."""


class AgentBayOptions(Configurable):
    """Options of the kernel; each is `c.AgentBayOptions.NAME` in a config file.

    Order of precedence: an explicit argument, the Jupyter config, the environment, the default.
    """

    provider = Enum(
        PROVIDERS,
        default_value="auto",
        help="Where sessions live. `auto`: AgentBay when its key is set, else AGB likewise, "
        "else the local service.",
    ).tag(config=True, env="AGENTBAY_KERNEL_PROVIDER")
    endpoint = Unicode(
        "",
        help="AgentBay's endpoint; empty for that of the region. AGB's stands in AGB_ENDPOINT.",
    ).tag(config=True, env="AGENTBAY_ENDPOINT")
    region = Unicode("", help="AgentBay's region; empty for its default.").tag(
        config=True, env="AGENTBAY_REGION_ID"
    )
    image = Unicode("code_latest", help="The image of new sessions.").tag(
        config=True, env="AGENTBAY_KERNEL_IMAGE"
    )
    language = Enum(
        ("python", "r", "java", "javascript"),
        default_value="python",
        help="The language of cells without a cell magic; `install --language` registers a kernel "
        "for each.",
    ).tag(config=True, env="AGENTBAY_KERNEL_LANGUAGE")
    idle_minutes = Int(60, min=1, help="Minutes without a request after which a session ends.").tag(
        config=True, env="AGENTBAY_KERNEL_IDLE_MINUTES"
    )
    max_minutes = Int(480, min=1, help="Minutes after which a session ends in any case.").tag(
        config=True, env="AGENTBAY_KERNEL_MAX_MINUTES"
    )
    keep_alive_minutes = Int(
        60, min=0, help="Minutes after the last activity during which the session is kept alive."
    ).tag(config=True, env="AGENTBAY_KERNEL_KEEP_ALIVE_MINUTES")
    warn_minutes = Int(10, min=0, help="Minutes before a session's end at which to warn.").tag(
        config=True, env="AGENTBAY_KERNEL_WARN_MINUTES"
    )
    on_shutdown = Enum(
        ("delete", "keep"),
        default_value="delete",
        help="What becomes of the session when the kernel shuts down.",
    ).tag(config=True, env="AGENTBAY_KERNEL_ON_SHUTDOWN")
    cell_timeout_seconds = Int(
        28800, min=1, help="Seconds that one cell may run, asked of the provider."
    ).tag(config=True, env="AGENTBAY_KERNEL_CELL_TIMEOUT_SECONDS")
    interrupt_grace_seconds = Float(
        5.0, min=0.1, help="Seconds after a Stop before the interpreter may be killed."
    ).tag(config=True, env="AGENTBAY_KERNEL_INTERRUPT_GRACE_SECONDS")
    create_timeout_seconds = Int(180, min=1, help="Seconds to wait for a new session.").tag(
        config=True, env="AGENTBAY_KERNEL_CREATE_TIMEOUT_SECONDS"
    )
    upload = Enum(
        ("never", "hint", "notebook-folder"),
        default_value="hint",
        help="What to do about files beside the notebook that a cell looks for in vain: nothing, "
        "say how to send them, or send the notebook's folder when a session starts.",
    ).tag(config=True, env="AGENTBAY_KERNEL_UPLOAD")
    upload_limit_mb = Int(
        100, min=1, help="Megabytes that `upload = notebook-folder` sends at most."
    ).tag(config=True, env="AGENTBAY_KERNEL_UPLOAD_LIMIT_MB")
    reconnect_seconds = Float(
        120.0,
        min=0,
        help="Seconds that a session may be out of reach before its running cell is given up.",
    ).tag(config=True, env="AGENTBAY_KERNEL_RECONNECT_SECONDS")
    restart_wait_seconds = Float(
        15.0,
        min=0,
        help="Seconds that the session of a kernel that was killed waits for its restart.",
    ).tag(config=True, env="AGENTBAY_KERNEL_RESTART_WAIT_SECONDS")
    stream = Bool(True, help="Stream output over the session's WebSocket when it has one.").tag(
        config=True, env="AGENTBAY_KERNEL_STREAM"
    )
    untrusted_output = Bool(
        False,
        help="Let nothing of a session's output act in the page: HTML and SVG in a frame of their "
        "own, no JavaScript, no widgets.",
    ).tag(config=True, env="AGENTBAY_KERNEL_UNTRUSTED_OUTPUT")
    linger_seconds = Float(
        30.0, min=0, help="Seconds that the local service stays after its last session and client."
    ).tag(config=True, env="AGENTBAY_KERNEL_LINGER_SECONDS")
    memory_limit_mb = Int(
        4096, min=0, help="Megabytes of memory of one local session; 0 for no limit."
    ).tag(config=True, env="AGENTBAY_KERNEL_MEMORY_LIMIT_MB")
    process_limit = Int(
        256, min=0, help="Processes and threads of one local session; 0 for no limit."
    ).tag(config=True, env="AGENTBAY_KERNEL_PROCESS_LIMIT")
    cpu_limit = Float(
        0.0, min=0, help="Cores that one local session may keep busy; 0 for no limit."
    ).tag(config=True, env="AGENTBAY_KERNEL_CPU_LIMIT")
    engine = Enum(
        ENGINES,
        default_value="pipe",
        help="What runs the cells of local sessions: IPython on a pipe, or an ipykernel of its "
        "own, slower, as a cloud may have it.",
    ).tag(config=True, env="AGENTBAY_KERNEL_ENGINE")

    def __init__(self, **kwargs: Any) -> None:
        self.error: OptionError | None = None
        for name, trait in self.traits(config=True).items():
            text = os.environ.get(trait.metadata.get("env", ""), "")
            if text:
                self._set_from_env(name, trait, text)
        super().__init__(**kwargs)

    def check(self) -> None:
        """Raise what was wrong with the environment; a kernel says it in its first cell."""
        if self.error is not None:
            raise self.error

    def of_service(self) -> dict[str, Any]:
        """The options with which the local service is started."""
        names = ("linger_seconds", "memory_limit_mb", "process_limit", "cpu_limit", "engine")
        return {name: getattr(self, name) for name in names}

    def _set_from_env(self, name: str, trait: Any, text: str) -> None:
        try:
            setattr(self, name, trait.from_string(text))
        except (TraitError, ValueError) as error:
            variable = trait.metadata["env"]
            self.error = OptionError(
                f"{variable} is set to {text!r}, which is no value of {name}: {error}",
                next_step=f"Correct it or unset it, then restart the kernel. {trait.help}",
            )


def data_dir() -> Path:
    """The user's data folder: contexts and sessions of the local service, the ledger."""
    return _private("AGENTBAY_KERNEL_DATA_DIR", platformdirs.user_data_path(APP))


def runtime_dir() -> Path:
    """The user's runtime folder: the running service's address and key."""
    return _private("AGENTBAY_KERNEL_RUNTIME_DIR", _default_runtime())


def log_dir() -> Path:
    """Where the kernel and the local service write their logs."""
    return _private("AGENTBAY_KERNEL_LOG_DIR", data_dir() / "log")


def _default_runtime() -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR")
    return Path(base) / APP if base else platformdirs.user_data_path(APP) / "run"


def _private(variable: str, default: Path) -> Path:
    """The folder, made with mode 0700; one that belongs to somebody else is refused."""
    path = Path(os.environ.get(variable) or default)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_uid != os.getuid():
            raise PermissionError(f"{path} belongs to another user")
        path.chmod(0o700)
    except OSError as error:
        raise OptionError(
            f"The folder {path} cannot be used: {error}",
            next_step=f"Set {variable} to a folder of your own",
        ) from error
    return path
