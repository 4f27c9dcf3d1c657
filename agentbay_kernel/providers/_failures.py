"""From a failure of the SDK to our errors, with the key and tokens taken out of every text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agentbay_kernel.errors import (
    ContextGone,
    ImageUnknown,
    KeyRefused,
    NotSupported,
    ProviderError,
    SessionGone,
    SessionLimit,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentbay_kernel.providers._gateway import Failure

NO_SESSION = re.compile(r"InvalidMcpSession\.NotFound|session\b.{0,80}\bnot (?:be )?found", re.I)
NO_CONTEXT = re.compile(
    r"InvalidContext\w*\.Not(?:Found|Exist)|context\b.{0,160}\bnot (?:be )?(?:found|exist)", re.I
)
NO_IMAGE = re.compile(
    r"image\S{0,20}\.?(?:NotFound|NotExist|Invalid|Unsupported)|Invalid\w*Image"
    r"|image\b.{0,80}(?:not found|not exist|unknown|invalid|no such)|(?:unknown|no such) image",
    re.I,
)
LIMIT = re.compile(
    r"quota|limit\S* ?exceed|exceed\S* .{0,40}(?:limit|quota)|too many sessions", re.I
)
LIMIT_CODE = re.compile(r"Quota|LimitExceed|Limit\.?Reached|SessionLimit|ExceedLimit", re.I)
KEY = re.compile(
    r"api[ _-]?key.{0,40}(?:invalid|not (?:valid|found|exist)|illegal|expired|refused|unknown)"
    r"|(?:invalid|illegal|expired|unknown|missing|wrong).{0,20}"
    r"(?:api[ _-]?key|authorization|bearer)"
    r"|unauthor|authentication",
    re.I,
)
BEARER = re.compile(r"(Bearer(?:\s|\+|%20)+)[^\s\"'&,}]+", re.I)


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, nor anything that follows `Bearer`."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "****")
    return BEARER.sub(r"\1****", text)


def kind_of(failure: Failure) -> type[ProviderError]:
    """The error that says what a failure means."""
    text = f"{failure.code} {failure.message}"
    if failure.status == 0:
        return Unreachable
    if NO_SESSION.search(text):
        return SessionGone
    if NO_CONTEXT.search(text):
        return ContextGone
    if NO_IMAGE.search(text):
        return ImageUnknown
    if failure.status == 401 or KEY.search(text):
        return KeyRefused
    if LIMIT_CODE.search(failure.code) or LIMIT.search(failure.message):
        return SessionLimit
    return Unreachable if failure.status in (502, 503, 504) else ProviderError


def from_failure(what: str, failure: Failure, secrets: Iterable[str]) -> ProviderError:
    """The error to raise for a noted failure; `what` says what was not done."""
    detail = failure.message.strip() or f"HTTP {failure.status}"
    if failure.code and failure.code not in detail:
        detail = f"{failure.code}: {detail}"
    return kind_of(failure)(
        redact(f"{what}: {detail[:500]}", secrets),
        code=failure.code,
        request_id=failure.request_id,
    )


def from_text(what: str, text: str, request_id: str, secrets: Iterable[str]) -> ProviderError:
    """The error to raise when only the SDK's own words are known."""
    kind: type[ProviderError] = ProviderError
    if NO_SESSION.search(text):
        kind = SessionGone
    elif NO_CONTEXT.search(text):
        kind = ContextGone
    elif text.startswith("Unsupported language") or "is not available for" in text:
        kind = NotSupported
    return kind(redact(f"{what}: {text.strip()[:500]}", secrets), request_id=request_id)
