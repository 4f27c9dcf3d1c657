"""A value in a file, and a notice that says what must be found there."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Dict, List

from . import KINDS, decode, describe, encode
from .failures import BadData, NotTyped

NOTICES = "notices.json"


def write(value: Any, path: str, *, allow_pickle: bool = False) -> Dict[str, Any]:
    """Write a value's bytes into a file that only its owner reads; the answer is the notice.

    The notice is plain data: `kind`, `size` in bytes, `sha256`, `about` in words.
    """
    kind, data = encode(value, allow_pickle=allow_pickle)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    part = path + ".part"
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        os.replace(part, path)
    except BaseException:
        if os.path.exists(part):
            os.unlink(part)
        raise
    digest = hashlib.sha256(data).hexdigest()
    return {"kind": kind, "size": len(data), "sha256": digest, "about": describe(value)}


def read(path: str, notice: Dict[str, Any], *, allow_pickle: bool = False) -> Any:
    """The value in a file; raises BadData unless it is what the notice says."""
    if os.path.getsize(path) != notice["size"]:
        raise BadData("The data is not as long as was announced")
    with open(path, "rb") as file:
        data = file.read()
    if hashlib.sha256(data).hexdigest() != notice["sha256"]:
        raise BadData("The data is not what was announced")
    return decode(notice["kind"], data, allow_pickle=allow_pickle)


def check(notice: Any) -> Dict[str, Any]:
    """A notice that somebody else wrote, its fields and nothing more; raises BadData."""
    if type(notice) is not dict:
        raise BadData("The announcement cannot be read")
    if "refused" in notice:
        raise NotTyped(str(notice["refused"])[:2000])
    found = {name: notice.get(name) for name in ("kind", "size", "sha256", "about")}
    size = found["size"]
    texts = all(type(found[name]) is str for name in ("kind", "sha256", "about"))
    if not texts or type(size) is not int or size < 0 or found["kind"] not in KINDS:
        raise BadData("The announcement cannot be read")
    # It is shown: a terminal shall not obey it.
    about = "".join(each for each in str(found["about"]) if each.isprintable())
    return {**found, "about": about[:200]}


def place(path: str) -> str:
    """Where a path below /tmp is for a process whose folder for temporary files is elsewhere."""
    elsewhere = os.environ.get("TMPDIR", "") + path[len("/tmp") :]
    return elsewhere if os.path.exists(elsewhere) and not os.path.exists(path) else path


def offer(values: Dict[str, Any], folder: str, *, allow_pickle: bool = False) -> None:
    """Write values into a folder, in their order by number, and their notices beside them."""
    notices: List[Dict[str, Any]] = []
    folder = place(folder)
    for number, value in enumerate(values.values()):
        try:
            path = os.path.join(folder, str(number))
            notices.append(write(value, path, allow_pickle=allow_pickle))
        except NotTyped as error:
            notices.append({"refused": str(error)})
    with open(os.path.join(folder, NOTICES), "w", encoding="utf-8") as file:
        json.dump(notices, file)


def accept(folder: str, notices: List[Dict[str, Any]], allow_pickle: bool = False) -> List[Any]:
    """The values in a folder that `offer` filled."""
    paths = [os.path.join(place(folder), str(number)) for number in range(len(notices))]
    return [read(path, notice, allow_pickle=allow_pickle) for path, notice in zip(paths, notices)]
