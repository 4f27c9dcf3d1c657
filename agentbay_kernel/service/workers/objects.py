"""Files of the session to and from addresses: the transfers of an object store's tools."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from agentbay_kernel.service.workers.failure import ToolError, explain

if TYPE_CHECKING:
    from agentbay_kernel.service.workers.paths import Paths

TIMEOUT = 60.0
PIECE = 1 << 20


class Objects:
    """Each public method is the tool of its name, with the wire's arguments and text."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def oss_upload_annon(self, url: str, path: str) -> str:
        """Send a file to an address by PUT."""
        try:
            with open(self._paths.real(path), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise ToolError(f"Not a regular file: {path}")
                headers = {
                    "Content-Length": str(status.st_size),
                    "Content-Type": "application/octet-stream",
                }
                with _open(urllib.request.Request(url, file, headers, method="PUT")):
                    return "Upload success"
        except OSError as error:
            raise explain(error, path) from error

    def oss_download_annon(self, url: str, path: str, name: str = "") -> str:
        """Fetch what an address gives into a file, or into a folder under its name."""
        real = self._paths.real(path)
        if os.path.isdir(real):
            name = os.path.basename(name or unquote(urlsplit(url).path))
            real = self._paths.real(f"{path.rstrip('/')}/{name or 'download'}")
        part = f"{real}.{secrets.token_hex(4)}.part"
        try:
            with _open(urllib.request.Request(url)) as answer:
                os.makedirs(os.path.dirname(real), exist_ok=True)
                with open(part, "xb") as file:
                    shutil.copyfileobj(answer, file, PIECE)
                if answer.length:
                    raise ToolError("The connection ended before the file was whole")
            os.replace(part, real)
        except OSError as error:
            raise explain(error, path) from error
        finally:
            if os.path.lexists(part):
                os.unlink(part)
        return "Download success"


def _open(request: urllib.request.Request) -> Any:
    """The answer; an address is a credential and stands in no message."""
    host = urlsplit(request.full_url)
    if host.scheme not in ("http", "https") or not host.hostname:
        raise ToolError("The address is neither http:// nor https://")
    near = host.hostname in ("127.0.0.1", "localhost", "::1")
    opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if near else []))
    try:
        return opener.open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise ToolError(f"{host.hostname} answered {error.code} {error.reason}") from None
    except (urllib.error.URLError, TimeoutError) as error:
        reason = getattr(error, "reason", error)
        raise ToolError(f"{host.hostname} was not reached: {reason}") from None
