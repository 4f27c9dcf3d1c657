"""The interpreter of a session: cells come in on one socket, what they do goes out on it."""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

from agentbay_kernel import heap
from agentbay_kernel.service.workers import records, streams
from agentbay_kernel.service.workers.outlet import Outlet, Shield

if TYPE_CHECKING:
    from types import FrameType


READ_BYTES = 1 << 16
"""More would be taken from the system, and given back, for every cell."""


class Engine:
    """Runs cells one after another on one event loop."""

    def __init__(self, service: socket.socket) -> None:
        self._service = service
        self._shield = Shield()
        self._outlet = Outlet(service, self._shield)
        self._capture = streams.install(self._outlet)
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._unpacker = records.Unpacker()
        self._inbox: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self._process = os.getpid()
        self._coming = False
        """Whether a cell has been taken from the socket that does not run yet."""
        self._early = False
        """Whether that cell has been interrupted already."""
        self._busy = False
        self._task: asyncio.Task[Any] | None = None
        self._shell: Any = None

    def serve(self) -> None:
        """Load IPython and run until the service is gone."""
        signal.signal(signal.SIGINT, self._on_interrupt)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        from agentbay_kernel.service.workers.interactive import make_shell

        self._shell = make_shell(self._outlet)
        heap.keep()
        self._outlet.add(records.READY, b"{}")
        self._loop.add_reader(self._service, self._on_readable)
        context = contextvars.copy_context()
        main = self._loop.create_task(self._main(context), context=context)
        while True:
            try:
                self._loop.run_until_complete(main)
            except KeyboardInterrupt:
                continue  # it hit a task of the user's own, which has ended with it

    async def _main(self, context: contextvars.Context) -> None:
        while True:
            run, code = await self._inbox.get()
            self._outlet.begin(run)
            # A debugger that was left by `continue` keeps the interrupt to itself.
            signal.signal(signal.SIGINT, self._on_interrupt)
            self._shell.interrupted = False
            count = self._shell.execution_count
            transformed, problem = self._transform(code)
            if self._shell.should_run_async(
                code, transformed_cell=transformed, preprocessing_exc_tuple=problem
            ):
                cell = self._run_async(code, transformed, problem)
                self._task = self._loop.create_task(cell, context=context.copy())
                if self._early:
                    self._task.cancel()
                error = await self._task_error(self._task)
                self._task = None
            else:
                error = self._run_sync(code)
            self._finish(count, error)

    def _transform(self, code: str) -> tuple[str, Any]:
        self._shell.looking_ahead = True
        try:
            return self._shell.transform_cell(code), None
        except Exception:
            return code, sys.exc_info()
        finally:
            self._shell.looking_ahead = False

    async def _task_error(self, task: asyncio.Task[Any]) -> BaseException | None:
        await asyncio.wait([task])
        if task.cancelled() and self._coming:
            return self._show_interrupt()  # it has never begun
        if task.cancelled():
            return KeyboardInterrupt() if self._shell.interrupted else asyncio.CancelledError()
        problem = task.exception()
        return problem if problem is not None else _error_of(task.result(), self._shell)

    async def _run_async(self, code: str, transformed: str, problem: Any) -> Any:
        self._coming = False
        result = None
        try:
            result = await self._shell.run_cell_async(
                code,
                store_history=True,
                transformed_cell=transformed,
                preprocessing_exc_tuple=problem,
            )
        finally:
            self._shell.events.trigger("post_execute")
            self._shell.events.trigger("post_run_cell", result)
        return result

    def _run_sync(self, code: str) -> BaseException | None:
        try:
            self._busy = True
            self._coming = False
            if self._early:
                return self._show_interrupt()
            result = self._shell.run_cell(code, store_history=True)
            self._busy = False
        except KeyboardInterrupt as interrupt:
            self._busy = False
            self._shell.showtraceback()
            return interrupt
        finally:
            self._busy = False
        return _error_of(result, self._shell)

    def _show_interrupt(self) -> KeyboardInterrupt:
        interrupt = KeyboardInterrupt()
        self._shell.showtraceback((KeyboardInterrupt, interrupt, None))
        return interrupt

    def _finish(self, count: int, error: BaseException | None) -> None:
        if os.getpid() != self._process:
            os._exit(0)  # a forked child that came to the end of its parent's cell
        self._shield.forget()
        self._coming = self._early = False
        self._capture.drain()
        done: dict[str, Any] = {"count": count}
        if error is not None:
            done["error"] = f"{type(error).__name__}: {_text_of(error)}"
        self._outlet.add(records.DONE, json.dumps(done).encode())
        self._outlet.begin(0)

    def _on_readable(self) -> None:
        waiting, self._coming = self._coming, True
        data = self._service.recv(READ_BYTES)
        if not data:
            os._exit(0)
        for kind, run, payload in self._unpacker.feed(data):
            if kind == records.CODE:
                self._inbox.put_nowait((run, payload.decode("utf-8", "surrogatepass")))
            elif kind == records.ENVIRONMENT:
                os.environ.update(json.loads(payload))
        if self._task is None:
            waiting |= self._unpacker.has_part or not self._inbox.empty()
        self._coming = waiting
        self._early &= self._coming

    def _on_interrupt(self, signum: int, frame: FrameType | None) -> None:
        current = asyncio.current_task(self._loop)
        struck = self._busy or self._in_users_callback(frame)
        if self._task is not None and current is self._task:
            struck = True
        elif self._task is not None:
            self._shell.interrupted = True
            self._loop.call_soon_threadsafe(self._task.cancel)
        elif not struck:
            self._early |= self._is_coming()
        if struck and not self._shield.put_off():
            raise KeyboardInterrupt

    def _is_coming(self) -> bool:
        """Whether the service has sent a cell that does not run yet: the interrupt means that."""
        try:
            sent = self._service.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            sent = b""
        return self._coming or bool(sent)

    def _in_users_callback(self, frame: FrameType | None) -> bool:
        """Whether the loop is in a callback or a task of the session's code, cells apart."""
        inner = frame
        while frame is not None and (back := frame.f_back) is not None:
            if back.f_code is _CALL:
                own = frame.f_code in _OWN
                return not own and not (_in_asyncio(frame) and _in_asyncio(inner))
            frame = back
        return False


def _in_asyncio(frame: FrameType | None) -> bool:
    return frame is not None and str(frame.f_globals.get("__name__")).startswith("asyncio.")


_CALL = asyncio.Handle._run.__code__
_OWN = {each.__code__ for each in (Engine._main, Engine._on_readable, Engine._run_async)}


def _error_of(result: Any, shell: Any) -> BaseException | None:
    error: BaseException | None = result.error_before_exec or result.error_in_exec
    if isinstance(error, asyncio.CancelledError) and shell.interrupted:
        return KeyboardInterrupt()
    return error


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "its text cannot be made"


def main() -> None:
    """Serve on the socket whose descriptor is the one argument."""
    service = socket.socket(fileno=int(sys.argv[1]))
    service.set_inheritable(False)
    sys.argv[1:] = []
    sys.path.insert(0, "")
    Engine(service).serve()


if __name__ == "__main__":
    main()
