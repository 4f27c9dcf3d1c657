"""Files by addresses that are credentials: sent by PUT, fetched by GET, in a thread, in pieces."""

from __future__ import annotations

import asyncio
import threading
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agentbay_kernel.errors import ProviderError
from agentbay_kernel.transfer import staging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import requests

    Progress = Callable[[int, int], None]

PIECE = 1 << 20
# Until a connection is there, and between two pieces.
TIMEOUT = (10.0, 60.0)
LOOPBACK = ("127.0.0.1", "::1", "localhost")


async def send(url: str, path: Path, progress: Progress) -> int:
    """PUT a local file; its size. The link is in no error."""
    return await _in_thread(_send, url, path, progress)


async def fetch(url: str, path: Path, progress: Progress, *, force: bool = False) -> int:
    """GET a file, which takes its name when it is whole; its size."""
    return await _in_thread(_fetch, url, path, progress, force)


class _Stopped(Exception):
    """Raised in the thread when nobody waits any more."""


class _Job:
    """What both sides of the thread share."""

    def __init__(self, progress: Progress, loop: asyncio.AbstractEventLoop) -> None:
        self.stop = threading.Event()
        self._progress = progress
        self._loop = loop
        self._told = 0

    def seen(self, done: int, total: int) -> None:
        """So many bytes have travelled; raises when the caller has gone."""
        if self.stop.is_set():
            raise _Stopped
        if done - self._told < PIECE and done < total:
            return
        self._told = done
        self._loop.call_soon_threadsafe(self._progress, done, total)


class _Counted:
    """A file that says how much was read of it."""

    def __init__(self, file: IO[bytes], size: int, job: _Job) -> None:
        self._file = file
        self._size = size
        self._job = job

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(PIECE):
            yield piece

    def read(self, size: int = -1) -> bytes:
        """What `requests` asks for."""
        data = self._file.read(min(size, PIECE) if size >= 0 else PIECE)
        self._job.seen(self._file.tell(), self._size)
        return data


async def _in_thread(work: Callable[..., int], url: str, *rest: Any) -> int:
    path, progress, *others = rest
    job = _Job(progress, asyncio.get_running_loop())
    running = asyncio.ensure_future(asyncio.to_thread(work, job, url, path, *others))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        job.stop.set()
        # Its end leaves nothing half done; a connection that hangs ends by its time limit.
        await asyncio.wait([running], timeout=5)
        running.add_done_callback(lambda end: end.cancelled() or end.exception())
        raise


def _send(job: _Job, url: str, path: Path) -> int:
    with path.open("rb") as file:
        size = path.stat().st_size
        # An empty body has no length that `requests` would tell of a file.
        body = _Counted(file, size, job) if size else b""
        with _session(url) as session:
            _ask(session, "PUT", url, data=body).close()
    job.seen(size, size)
    return size


def _fetch(job: _Job, url: str, path: Path, force: bool) -> int:
    with _session(url) as session, _ask(session, "GET", url, stream=True) as answer:
        coded = answer.headers.get("Content-Encoding", "identity") != "identity"
        said = answer.headers.get("Content-Length", "")
        total = int(said) if said.isdecimal() and not coded else 0
        done = 0
        with staging.new_file(path, force=force) as descriptor:
            with open(descriptor, "wb", closefd=False) as file:
                for piece in _pieces(answer):
                    file.write(piece)
                    done += len(piece)
                    job.seen(done, max(total, done))
            if total and done != total:
                raise ProviderError(f"The file ended after {done:,} of {total:,} bytes")
    return done


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    import requests

    try:
        yield from answer.iter_content(PIECE)
    except requests.RequestException as error:
        raise ProviderError(f"The connection broke: {type(error).__name__}") from None


def _session(url: str) -> requests.Session:
    import requests

    session = requests.Session()
    # A service of this computer is reached without the proxies of the environment.
    session.trust_env = urlsplit(url).hostname not in LOOPBACK
    return session


def _ask(session: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
    import requests

    try:
        answer = session.request(method, url, timeout=TIMEOUT, **options)
    except requests.RequestException as error:
        # Its own text has the link in it.
        raise ProviderError(f"The store did not answer: {type(error).__name__}") from None
    if answer.status_code not in (200, 201, 204):
        answer.close()
        raise ProviderError(f"The store refused: HTTP {answer.status_code}")
    return answer
