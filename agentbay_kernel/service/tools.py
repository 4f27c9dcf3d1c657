"""The tools and images of a session: names, servers, input schemas and their check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentbay_kernel.service.errors import ApiError
from agentbay_kernel.service.port import ToolFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

CODESPACE = "wuying_codespace"
SHELL = "wuying_shell"
FILESYSTEM = "wuying_filesystem"
SYSTEM = "wuying_system"
STORE = "wuying_oss"

CODE_IMAGE = "code_latest"
DEFAULT_IMAGE = "linux_latest"
# The images that a plain Linux sandbox can stand in for; phones and Windows cannot be.
IMAGES = (CODE_IMAGE, DEFAULT_IMAGE, "browser_latest", "aio-ubuntu-2404")

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: `fields` maps an argument to its JSON type; a leading `?` makes it optional."""

    name: str
    server: str
    description: str
    fields: Mapping[str, str]

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the arguments."""
        properties: dict[str, Any] = {k: {"type": v.lstrip("?")} for k, v in self.fields.items()}
        required = [k for k, v in self.fields.items() if not v.startswith("?")]
        return {"type": "object", "properties": properties, "required": required}

    def check(self, args: Mapping[str, Any]) -> None:
        """Refuse arguments that are missing or of another type, naming the first."""
        for name, kind in self.fields.items():
            value = args.get(name)
            if value is None:
                if not kind.startswith("?"):
                    raise ToolFailure(f"{self.name}: the argument {name} is missing")
            elif not _fits(value, kind.lstrip("?")):
                raise ToolFailure(f"{self.name}: the argument {name} is no {kind.lstrip('?')}")


def _fits(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


_ALL = (
    Tool(
        "run_code",
        CODESPACE,
        "Run code in the interpreter that keeps the session's names.",
        {"code": "string", "language": "?string", "timeout_s": "?integer"},
    ),
    Tool(
        "shell",
        SHELL,
        "Run a command in a fresh shell.",
        {"command": "string", "timeout_ms": "?integer", "cwd": "?string", "envs": "?object"},
    ),
    Tool(
        "read_file",
        FILESYSTEM,
        "Read a file, or a part of it; `format` may be `binary` for base64.",
        {"path": "string", "offset": "?integer", "length": "?integer", "format": "?string"},
    ),
    Tool(
        "write_file",
        FILESYSTEM,
        "Write text to a file; `mode` is `overwrite` or `append`.",
        {"path": "string", "content": "string", "mode": "?string"},
    ),
    Tool("get_file_info", FILESYSTEM, "Describe a file.", {"path": "string"}),
    Tool("list_directory", FILESYSTEM, "List a folder.", {"path": "string"}),
    Tool("create_directory", FILESYSTEM, "Make a folder.", {"path": "string"}),
    Tool("delete_file", FILESYSTEM, "Delete a file.", {"path": "string"}),
    Tool(
        "move_file",
        FILESYSTEM,
        "Move or rename a file.",
        {"source": "string", "destination": "string"},
    ),
    Tool(
        "edit_file",
        FILESYSTEM,
        "Replace pieces of text in a file.",
        {"path": "string", "edits": "array", "dryRun": "?boolean"},
    ),
    Tool("read_multiple_files", FILESYSTEM, "Read several files.", {"paths": "array"}),
    # excludePatterns is a comma-joined string from AgentBay and a list from AGB: not checked.
    Tool(
        "search_files",
        FILESYSTEM,
        "Find files by a name pattern.",
        {"path": "string", "pattern": "string"},
    ),
    Tool(
        "get_file_change",
        FILESYSTEM,
        "The changes below a folder since the last call.",
        {"path": "string"},
    ),
    Tool("set_env", SYSTEM, "Set environment variables.", {"envs": "array"}),
    Tool("get_env", SYSTEM, "Read environment variables.", {"keys": "?array"}),
    Tool(
        "oss_env_init",
        STORE,
        "Begin with an object store; the local one takes every key.",
        {
            "access_key_id": "string",
            "access_key_secret": "string",
            "security_token": "string",
            "endpoint": "?string",
            "region": "?string",
        },
    ),
    Tool(
        "oss_upload",
        STORE,
        "Copy a file into a bucket.",
        {"bucket": "string", "object": "string", "path": "string"},
    ),
    Tool(
        "oss_download",
        STORE,
        "Copy an object of a bucket into a file or folder.",
        {"bucket": "string", "object": "string", "path": "string"},
    ),
    Tool(
        "oss_upload_annon",
        STORE,
        "Send a file to an address.",
        {"url": "string", "path": "string"},
    ),
    Tool(
        "oss_download_annon",
        STORE,
        "Fetch an address into a file or folder.",
        {"url": "string", "path": "string"},
    ),
    Tool("get_metrics", SYSTEM, "Use of processor, memory, disk and network.", {}),
)
TOOLS: Mapping[str, Tool] = {tool.name: tool for tool in _ALL}


def check_image(image: str) -> None:
    """Refuse an image that this service has not [?: the code]."""
    if image not in IMAGES:
        raise ApiError(
            "InvalidImageId.NotFound", f"Image {image} not found: there are {', '.join(IMAGES)}"
        )


def of_image(image: str) -> list[Tool]:
    """The tools that a session of an image has; code runs on the code image only."""
    return [tool for tool in _ALL if tool.name != "run_code" or image == CODE_IMAGE]


def find(name: str, image: str) -> Tool:
    """The tool of a name; raises ToolFailure when the image has none [?: the text]."""
    tool = TOOLS.get(name)
    if tool is None or tool not in of_image(image):
        raise ToolFailure(f"Tool not found: {name or '(no name)'} is no tool of {image}")
    return tool
