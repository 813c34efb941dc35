"""Calls to a Qdrant server: tried again where that can help, and one clear line where it cannot."""

import json
import warnings
from collections.abc import Callable
from functools import cache
from typing import TypeVar
from urllib.parse import urlsplit

import grpc  # type: ignore[import-untyped]
import httpx
from qdrant_client import QdrantClient
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

from workbench.errors import InputError, StorageError, WorkbenchError
from workbench.vectordb.records import IMITATION, Server

__all__ = ["Connection"]

T = TypeVar("T")

_BACKOFF = wait_exponential(multiplier=0.25, max=8) + wait_random(0, 0.25)  # seconds: about 8 in all for five retries
_LONGEST = 30  # seconds that a server may ask for with Retry-After
_PASSING = {408, 429, 500, 502, 503, 504}
_KEY_REFUSED = {401, 403}
_STATUS = {  # of gRPC, as HTTP says it
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 400,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 408,
}


class Connection:
    """A client of one server, or of the imitation.

    The imitation lives in this process: all collections of ``":memory:"`` are in one, until the process ends.

    Raises
    ------
    InputError
        The API key cannot be sent.
    """

    def __init__(self, server: Server) -> None:
        self.imitation = server.is_imitation
        self._server = server
        self._client = _imitation() if self.imitation else _connect(server)

    def ask(self, call: Callable[[QdrantClient], T]) -> T:
        """What the server answers; a call must be one that may be made twice.

        Raises
        ------
        StorageError
            It is down, slow, busy or refuses the key; the first three after ``retries`` more attempts.
        InputError
            It refuses what was asked.
        """
        attempts = Retrying(
            stop=stop_after_attempt(self._server.retries + 1),
            wait=_pause,
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )
        try:
            return attempts(call, self._client)
        except (ApiException, ResourceExhaustedResponse, grpc.RpcError) as error:
            raise self._told(error) from error

    def close(self) -> None:
        """Close the connection; the imitation goes on."""
        if not self.imitation:
            self._client.close()

    def _told(self, error: Exception) -> WorkbenchError:
        server = self._server
        status, said = _status(error), _said(error)
        where = f"the Qdrant server at {server.url}"
        tried = f" {server.retries + 1} attempts were made." if server.retries and _may_pass(error) else ""
        if _is_timeout(error):
            return StorageError(
                f"{where} did not answer within {server.timeout_s:g} s",
                f"Give timeout_s more, or ask for less at once.{tried}",
            )
        if status in _KEY_REFUSED:
            what = "wants an API key" if server.api_key is None else "refuses the API key"
            return StorageError(f"{where} {what}: {said}", "Give the right one as Server(api_key=...).")
        if status == 404:
            return StorageError(
                f"there is no collection {server.collection!r} on {where}", "Create it, or name another."
            )
        if status is not None and status not in _PASSING:
            return InputError(f"{where} refuses what was asked: {said}", "Change what its answer names.")
        if status is None and not _may_pass(error):
            return StorageError(f"what answers at {server.url} is no Qdrant server: {said}", "Check the address.")
        if status is None or isinstance(error, grpc.RpcError):
            return StorageError(f"{where} cannot be reached: {said}", f"Start it, or check the address.{tried}")
        return StorageError(f"{where} cannot do it now: {status}, {said}", f"Look at its log.{tried}")


@cache
def _imitation() -> QdrantClient:
    return QdrantClient(IMITATION)


def _connect(server: Server) -> QdrantClient:
    """A client; nothing is sent yet."""
    key = server.api_key
    if key is not None and (not key or not key.isascii() or not key.isprintable() or key != key.strip()):
        raise InputError("the API key has signs that no key has", "Copy it anew, without quotes, blanks and line ends.")
    with warnings.catch_warnings():
        if urlsplit(server.url).hostname in ("localhost", "127.0.0.1", "::1"):
            warnings.filterwarnings("ignore", "Api key is used with an insecure connection")
        return QdrantClient(
            server.url,
            api_key=key,
            prefer_grpc=server.grpc,
            grpc_port=server.grpc_port,
            timeout=server.timeout_s,  # type: ignore[arg-type]
            check_compatibility=False,
        )


def _status(error: BaseException) -> int | None:
    """The answer as a status of HTTP; None where there was none."""
    if isinstance(error, UnexpectedResponse):
        return error.status_code
    if isinstance(error, ResourceExhaustedResponse):
        return 429
    if isinstance(error, grpc.RpcError) and isinstance(error, grpc.Call):
        return _STATUS.get(error.code(), 500)
    return None


def _may_pass(error: BaseException) -> bool:
    """Whether the same call may succeed a little later."""
    if isinstance(error, ResponseHandlingException):
        return isinstance(error.source, httpx.TransportError) and not isinstance(
            error.source, httpx.UnsupportedProtocol
        )
    return _status(error) in _PASSING


def _is_timeout(error: Exception) -> bool:
    if isinstance(error, ResponseHandlingException):
        return isinstance(error.source, httpx.TimeoutException)
    return isinstance(error, grpc.RpcError) and _status(error) == 408


def _pause(state: RetryCallState) -> float:
    """Seconds until the next attempt: what the server asks for, or twice as long each time and a little by chance."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, ResourceExhaustedResponse):
        return float(min(max(error.retry_after_s, 0), _LONGEST))
    return _BACKOFF(state)


def _said(error: Exception) -> str:
    """What the server or the network said, in one line."""
    text = str(error)
    if isinstance(error, UnexpectedResponse):
        text = f"{error.status_code} {error.reason_phrase}"
        try:
            text = str(json.loads(error.content)["status"]["error"])
        except (ValueError, KeyError, TypeError):
            text = error.content.decode("utf-8", "replace").strip() or text
    elif isinstance(error, grpc.RpcError) and isinstance(error, grpc.Call):
        text = error.details() or error.code().name
    return " ".join(text.split())[:200]
