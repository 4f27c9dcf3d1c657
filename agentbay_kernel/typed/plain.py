"""Plain Python data as JSON, its types kept: what JSON cannot say has a tag."""

from __future__ import annotations

import base64
import datetime
import decimal
import fractions
import json
import uuid
from itertools import chain
from typing import Any, Callable, Dict, Iterable, List, Optional

from . import zones
from .failures import BadData, NotTyped

TAG = "$"
_DIRECT = {str, int, float, bool, type(None)}
_DEEPEST = 100
_BIG_INT = 1 << 10000

Store = Callable[[Any], int]
Fetch = Callable[[int], Any]


def dumps(value: Any, store: Optional[Store] = None) -> str:
    """The JSON text of a value; `store` takes what is no plain data and gives its number."""
    try:
        if _is_direct([value]):
            return json.dumps(value)
        return json.dumps(_Writer(store).write(value))
    except RecursionError as error:
        raise NotTyped("The value contains itself, or is nested too deeply") from error


def loads(text: str, fetch: Optional[Fetch] = None) -> Any:
    """The value of a JSON text; `fetch` gives what was stored under a number."""
    try:
        value = json.loads(text)
        return _Reader(fetch).read(value) if f'"{TAG}"' in text else value
    except BadData:
        raise
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
        raise BadData(f"This is no data of ours: {type(error).__name__}") from error


def _is_direct(values: Iterable[Any]) -> bool:
    """Whether JSON alone keeps values and their types; looks at one level after the other."""
    for depth in range(_DEEPEST):
        values = (
            list(values) if depth < 8 else list({id(value): value for value in values}.values())
        )
        kinds = set(map(type, values))
        if kinds <= _DIRECT:
            return int not in kinds or all(
                -_BIG_INT < each < _BIG_INT for each in values if type(each) is int
            )
        if not kinds <= _DIRECT | {list, dict}:
            return False
        ints = (each for each in values if type(each) is int)
        if any(not -_BIG_INT < each < _BIG_INT for each in ints):
            return False
        tables = [each for each in values if type(each) is dict]
        keys = set(chain.from_iterable(tables))
        if any(type(key) is not str for key in keys) or TAG in keys:
            return False
        lists = [each for each in values if type(each) is list]
        values = chain(chain.from_iterable(lists), *(each.values() for each in tables))
    return False


class _Writer:
    """Turns a value into what JSON can say."""

    def __init__(self, store: Optional[Store]) -> None:
        self._store = store

    def write(self, value: Any) -> Any:
        kind = type(value)
        if kind is int and not -_BIG_INT < value < _BIG_INT:
            return {TAG: "int", "v": hex(value)}
        if kind in _DIRECT:
            return value
        if kind is list:
            return [self.write(each) for each in value]
        if kind is dict:
            return self._dict(value)
        if kind in (tuple, set, frozenset):
            return {TAG: kind.__name__, "v": [self.write(each) for each in value]}
        if kind in _SIMPLE:
            name, write, _ = _SIMPLE[kind]
            return {TAG: name, "v": write(value)}
        if self._store is None:
            raise NotTyped(f"A {_name(kind)} is no plain data")
        return {TAG: "part", "v": self._store(value)}

    def _dict(self, value: Dict[Any, Any]) -> Any:
        if all(type(key) is str for key in value) and TAG not in value:
            return {key: self.write(each) for key, each in value.items()}
        pairs = [[self.write(key), self.write(each)] for key, each in value.items()]
        return {TAG: "dict", "v": pairs}


class _Reader:
    """Turns what JSON said back into the value."""

    def __init__(self, fetch: Optional[Fetch]) -> None:
        self._fetch = fetch

    def read(self, value: Any) -> Any:
        if type(value) is list:
            return [self.read(each) for each in value]
        if type(value) is not dict:
            return value
        if TAG not in value:
            return {key: self.read(each) for key, each in value.items()}
        name, inner = value[TAG], value["v"]
        if name == "dict":
            return {self.read(key): self.read(each) for key, each in inner}
        if name in _CONTAINERS:
            return _CONTAINERS[name](self.read(each) for each in inner)
        if name == "part" and self._fetch is not None and type(inner) is int:
            return self._fetch(inner)
        if name not in _READ:
            raise BadData(f"There is no kind of data {str(name)[:80]!r}")
        return _READ[name](inner)


def _name(kind: type) -> str:
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _bytes(value: Any) -> str:
    return base64.b64encode(value).decode()


def _unbytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _moment(value: Any) -> List[Any]:
    return [value.replace(tzinfo=None, fold=0).isoformat(), zones.name_of(value.tzinfo), value.fold]


def _unmoment(kind: Any) -> Callable[[Any], Any]:
    """What reads a datetime or a time."""

    def read(value: Any) -> Any:
        text, zone, fold = value
        return kind.fromisoformat(text).replace(tzinfo=zones.zone_of(zone), fold=int(fold))

    return read


_CONTAINERS: Dict[str, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset}
# For each type its tag, what is written and how that is read.
_SIMPLE: Dict[type, Any] = {
    bytes: ("bytes", _bytes, _unbytes),
    bytearray: ("bytearray", _bytes, lambda text: bytearray(_unbytes(text))),
    complex: ("complex", lambda c: [c.real, c.imag], lambda v: complex(float(v[0]), float(v[1]))),
    range: ("range", lambda r: [r.start, r.stop, r.step], lambda v: range(*map(int, v))),
    decimal.Decimal: ("Decimal", str, decimal.Decimal),
    fractions.Fraction: (
        "Fraction",
        lambda f: [str(f.numerator), str(f.denominator)],
        lambda v: fractions.Fraction(int(v[0]), int(v[1])),
    ),
    uuid.UUID: ("UUID", str, uuid.UUID),
    datetime.datetime: ("datetime", _moment, _unmoment(datetime.datetime)),
    datetime.date: ("date", lambda d: d.isoformat(), datetime.date.fromisoformat),
    datetime.time: ("time", _moment, _unmoment(datetime.time)),
    datetime.timedelta: (
        "timedelta",
        lambda d: [d.days, d.seconds, d.microseconds],
        lambda v: datetime.timedelta(*map(int, v)),
    ),
}
_READ: Dict[str, Any] = {name: read for name, _, read in _SIMPLE.values()}
_READ["int"] = lambda text: int(text, 16)
