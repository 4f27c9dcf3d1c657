"""Every refusal of the service: a code, a message and an HTTP status.

What is marked [?] is the service's own choice, since the vendor's code is not known.
"""

from __future__ import annotations


class ApiError(Exception):
    """Raised to answer a request with the vendor's error shape.

    The status stays in the 400s: with 200 the SDK takes several calls for a success.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class SessionNotFound(ApiError):
    """Raised when there is no session of that id, or it has ended."""

    def __init__(self, session_id: str) -> None:
        super().__init__("InvalidMcpSession.NotFound", f"Session {session_id} not found")


class WrongState(ApiError):
    """Raised when a session's state does not allow what was asked [?]."""

    def __init__(self, session_id: str, wanted: str, state: str) -> None:
        super().__init__(
            "InvalidMcpSession.IncorrectStatus",
            f"Session {session_id} cannot {wanted}: its status is {state}",
        )


class ContextNotFound(ApiError):
    """Raised when there is no context of that id or name [?]."""

    def __init__(self, what: str) -> None:
        super().__init__("InvalidContext.NotFound", f"Context {what} not found")


class BadParameter(ApiError):
    """Raised when a field is missing or has a value that cannot be used [?]."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"InvalidParameter.{name}", f"{name} {problem}")


class KeyWrong(ApiError):
    """Raised when the API key or a session's token is missing or wrong [?]."""

    def __init__(self, what: str = "The API key") -> None:
        super().__init__("InvalidApiKey", f"{what} is missing or not valid", 401)


class Forbidden(ApiError):
    """Raised for a request that only a browser or another host could have sent [?]."""

    def __init__(self, message: str) -> None:
        super().__init__("Forbidden", message, 403)
