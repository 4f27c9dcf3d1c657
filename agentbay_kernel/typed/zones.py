"""Time zones by kind and name."""

from __future__ import annotations

import datetime
import importlib
import sys
from typing import Any, List, Optional

from .failures import BadData, NotTyped


def name_of(zone: Any) -> Optional[List[Any]]:
    """What names a zone, None for none."""
    if zone is None:
        return None
    if type(zone) is datetime.timezone:
        return ["fixed", zone.utcoffset(None).total_seconds()]
    kind, name = type(zone).__module__.partition(".")[0], getattr(zone, "key", None)
    if kind == "pytz":
        name = getattr(zone, "zone", None)
        if name is None and zone.utcoffset(None) is not None:
            return ["fixed", zone.utcoffset(None).total_seconds()]
    if kind == "dateutil":
        name = str(getattr(zone, "_filename", "")).rpartition("zoneinfo/")[2] or None
        name = "UTC" if type(zone).__name__ == "tzutc" else name
    if kind not in ("zoneinfo", "pytz", "dateutil", "backports") or not name:
        raise NotTyped(f"The time zone {zone!r} has no name by which it can be sent")
    return ["zoneinfo" if kind == "backports" else kind, name]


def zone_of(name: Any) -> Any:
    """The zone of a name."""
    if name is None:
        return None
    try:
        kind, value = name
        if kind == "fixed":
            return datetime.timezone(datetime.timedelta(seconds=float(value)))
        return _named(kind, str(value))
    except (ValueError, TypeError, KeyError, OverflowError, OSError, ImportError) as error:
        raise BadData(f"There is no time zone {str(name)[:80]}") from error


def _named(kind: str, name: str) -> Any:
    if kind == "pytz" and "pytz" in sys.modules:
        import pytz

        return pytz.timezone(name)
    if kind == "dateutil":
        import dateutil.tz

        # What is no plain name would be a path to a file of this computer.
        if name.startswith(("/", ":")) or ".." in name:
            raise ValueError(name)
        zone = dateutil.tz.UTC if name == "UTC" else dateutil.tz.gettz(name)
        if zone is None:
            raise ValueError(name)
        return zone
    try:
        zoneinfo = importlib.import_module("zoneinfo")
    except ImportError:  # Python 3.8
        zoneinfo = importlib.import_module("backports.zoneinfo")
    return zoneinfo.ZoneInfo(name)
