"""`%agentbay tools` and `call`: whatever tools an image has."""

from __future__ import annotations

import base64
import difflib
import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from agentbay_kernel.errors import UsageError
from agentbay_kernel.events import DisplayData
from agentbay_kernel.magics import render
from agentbay_kernel.magics.known import images
from agentbay_kernel.magics.registry import Context, argument, command

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agentbay_kernel.tools import ToolContent, ToolInfo

_PLAIN = ("string", "boolean", "integer", "number", "null", "array", "object")


@command(
    "agentbay",
    "tools",
    argument("--image", default="", help="the image; else that of the session or of the options"),
    complete={"--image": images},
)
async def tools(context: Context, args: Any) -> Any:
    """List the tools of an image, with their arguments.

    No session is started for it. `%agentbay call TOOL?` explains one.
    """
    manager = context.manager
    image = args.image or (manager.session.image if manager.session else "")
    image = image or manager.options.image
    found = sorted(await (await manager.provider()).tools(image), key=lambda each: each.name)
    rows = [(each.name, _signature(each), _sentence(each.description)) for each in found]
    note = f"{len(found)} tools of {image}. %agentbay call TOOL? explains one."
    context.emit(render.table(("tool", "arguments", "what it does"), rows, note))
    return [
        {"name": each.name, "server": each.server, "description": each.description}
        | {"schema": dict(each.schema)}
        for each in found
    ]


def split_call(line: str) -> list[str]:
    """A line of `call` taken apart, an object of JSON in it as one word with all its quotes."""
    start = re.search(r"(?:^|\s)(\{)", line)
    if start is None:
        return shlex.split(line)
    try:
        _, end = json.JSONDecoder().raw_decode(line, start.start(1))
    except ValueError:
        return shlex.split(line)
    before, after = line[: start.start(1)], line[end:]
    return [*shlex.split(before), line[start.start(1) : end], *shlex.split(after)]


async def _tool_names(context: Context, _word: str) -> Iterable[str]:
    session = context.manager.session
    return [each.name for each in await session.tools.list()] if session is not None else ()


async def _argument_names(context: Context, word: str) -> Iterable[str]:
    session = context.manager.session
    if session is None or "=" in word or not context.words:
        return ()
    given = {each.partition("=")[0] for each in context.words[1:]}
    for each in await session.tools.list():
        if each.name == context.words[0]:
            return [f"{name}=" for name in _properties(each) if name not in given]
    return ()


async def _explain(context: Context, line: str) -> str:
    """The page about one tool."""
    session = await context.manager.ensure()
    tool = _find(await session.tools.list(), line.split()[0])
    required = tool.schema.get("required") or ()
    lines = [f"%agentbay call {tool.name} {_signature(tool)}".rstrip(), "", tool.description, ""]
    for name, schema in _properties(tool).items():
        facts = [_type(schema), "" if name in required else "optional"]
        facts += [f"default {json.dumps(schema['default'])}"] if "default" in schema else []
        text = str(schema.get("description") or "").strip()
        lines.append(f"  {name}  ({', '.join(filter(None, facts))})  {text}".rstrip())
    lines += ["", "The whole schema of its arguments:", ""]
    return "\n".join([*lines, json.dumps(dict(tool.schema), indent=2, ensure_ascii=False), ""])


@command(
    "agentbay",
    "call",
    argument("tool", help="the tool, as %%agentbay tools lists it"),
    argument("arguments", nargs="*", metavar="NAME=VALUE | JSON", help="its arguments"),
    complete={"tool": _tool_names, "arguments": _argument_names},
    split=split_call,
    explain=_explain,
)
async def call(context: Context, args: Any) -> Any:
    """Call one of the session's tools, of which `%agentbay call TOOL?` shows the arguments.

    Arguments are NAME=VALUE words or one JSON object, `{"path": "/workspace"}`; they are checked
    against the tool's schema first. A text, JSON or an image is shown as what it is.
    """
    session = await context.manager.ensure()
    tool = _find(await session.tools.list(), args.tool)
    given = _arguments(tool, args.arguments)
    check(tool, given)
    contents = await session.tools.call(tool.name, given)
    context.manager.used()
    values = [_shown(context, each) for each in contents]
    return values[0] if len(values) == 1 else values


def _find(known: Sequence[ToolInfo], name: str) -> ToolInfo:
    for each in known:
        if each.name == name:
            return each
    near = difflib.get_close_matches(name, [each.name for each in known], n=1)
    hint = f"Did you mean {near[0]}" if near else "%agentbay tools lists them"
    raise UsageError(f"The session's image has no tool {name!r}", next_step=hint)


def _arguments(tool: ToolInfo, words: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in words:
        if word.startswith("{"):
            found |= _object(tool, word)
            continue
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise UsageError(f"{word!r} is no argument", next_step=_how(tool))
        found[name] = _value(_properties(tool).get(name, {}), text)
    return found


def _object(tool: ToolInfo, word: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(word)
    except ValueError as error:
        raise UsageError(f"This is no JSON: {error}", next_step=_how(tool)) from error
    return found


def _value(schema: Any, text: str) -> Any:
    """The text as what the schema asks for; where it leaves that open, JSON if it is some."""
    kinds = schema.get("type") if isinstance(schema, dict) else None
    if kinds == "string" or (isinstance(kinds, list) and "string" in kinds):
        return text
    try:
        return json.loads(text.lower() if kinds == "boolean" else text)
    except ValueError:
        return text


def check(tool: ToolInfo, given: Mapping[str, Any]) -> None:
    """Refuse arguments that the tool's schema does not allow, naming the first."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    properties = _properties(tool)
    unknown = [name for name in given if properties and name not in properties]
    if unknown and not tool.schema.get("additionalProperties"):
        near = difflib.get_close_matches(unknown[0], properties, n=1)
        hint = f"Did you mean {near[0]}" if near else _how(tool)
        raise UsageError(f"{tool.name} has no argument {unknown[0]!r}", next_step=hint)
    # Without a registry, a schema's reference to another would be fetched from the network.
    validator = Draft202012Validator(dict(tool.schema), registry=Registry())
    try:
        error = best_match(validator.iter_errors(dict(given)))
    except (Unresolvable, TypeError, ValueError):
        return  # a schema that is none; the tool itself will check
    if error is not None:
        where = "".join(f"{part}: " for part in error.absolute_path)
        raise UsageError(f"{tool.name}: {where}{error.message[:300]}", next_step=_how(tool))


def _shown(context: Context, content: ToolContent) -> Any:
    """Show one piece of an answer as what it is, and give it as plain data."""
    if content.mime.startswith("image/"):
        packed = base64.b64encode(content.data).decode()
        text = content.data.decode(errors="replace") if "svg" in content.mime else packed
        size = f"{len(content.data):,} bytes"
        plain = f"<{content.mime}, {size}>"
        context.emit(DisplayData({"text/plain": plain, content.mime: text}))
        return {"mime": content.mime, "data": packed}
    if content.mime:
        context.emit(render.line(f"<{content.mime}, {len(content.data):,} bytes>"))
        return {"mime": content.mime, "data": base64.b64encode(content.data).decode()}
    try:
        value = json.loads(content.text)
    except ValueError:
        value = None
    if not isinstance(value, dict | list):
        context.emit(render.line(content.text))
        return content.text
    plain = json.dumps(value, indent=2, ensure_ascii=False)
    context.emit(DisplayData({"text/plain": plain, "application/json": value}))
    return value


def _properties(tool: ToolInfo) -> dict[str, Any]:
    found = tool.schema.get("properties")
    return found if isinstance(found, dict) else {}


def _signature(tool: ToolInfo) -> str:
    required = tool.schema.get("required") or ()
    words = [(name, f"{name}={_type(schema)}") for name, schema in _properties(tool).items()]
    return " ".join(word if name in required else f"[{word}]" for name, word in words)


def _type(schema: Any) -> str:
    kind = schema.get("type") if isinstance(schema, dict) else None
    if isinstance(kind, list):
        return "|".join(map(str, kind))
    return str(kind) if kind in _PLAIN else "value"


def _sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])\s|\n", text, maxsplit=1)[0][:100]


def _how(tool: ToolInfo) -> str:
    return f"%agentbay call {tool.name}? shows its arguments"
