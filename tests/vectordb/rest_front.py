"""A Qdrant server's REST interface in front of the client's imitation, on a real socket, with troubles on demand."""

import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import TypeAdapter
from qdrant_client import QdrantClient, models

__all__ = ["RestFront"]

_INSERT = TypeAdapter(models.PointInsertOperations)
_DELETE = TypeAdapter(models.PointsSelector)


class RestFront:
    """A server that can be stopped and started again on its port; what it holds stays.

    Attributes
    ----------
    key
        The API key that requests must have; None lets all in.
    troubles
        What happens to the next requests, one each: a status, seconds to sleep, or "drop" to close without an answer
        after the request was carried out; None is no trouble.
    writes_left
        Upserts after which it stops; None is no end.
    requests
        What came in, as method and path.
    """

    def __init__(self) -> None:
        self.key: str | None = None
        self.troubles: deque[int | float | str | None] = deque()
        self.writes_left: int | None = None
        self.keeps_metadata = True
        self.requests: list[str] = []
        self.points_written = 0
        self.engine = QdrantClient(":memory:")
        self.indexes: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self._dying: threading.Thread | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        if self._dying is not None:
            self._dying.join()
        handler = type("Handler", (_Handler,), {"front": self})
        self._server = _Reusing(("127.0.0.1", self.port), handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def die(self) -> None:
        """Stop from within a request, which is not answered."""
        self._dying = threading.Thread(target=self.stop, daemon=True)
        self._dying.start()

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def answer(self, method: str, path: list[str], body: Any) -> Any:
        """What the server says; KeyError where there is no such collection."""
        with self._lock:
            name, *rest = path[1:]
            if rest == ["exists"]:
                return {"exists": self.engine.collection_exists(name)}
            if method == "PUT" and not rest:
                return self._create(name, models.CreateCollection.model_validate(body))
            if not self.engine.collection_exists(name):
                raise KeyError(name)
            if not rest:
                return self._collection(method, name, body)
            if rest == ["index"]:
                asked = models.CreateFieldIndex.model_validate(body)
                self.indexes[name][asked.field_name.strip('"')] = str(asked.field_schema)
                return {"operation_id": 0, "status": "completed"}
            return self._points(method, name, rest, body)

    def _create(self, name: str, asked: models.CreateCollection) -> bool:
        kept = asked.metadata if self.keeps_metadata else None
        made = self.engine.create_collection(name, vectors_config=asked.vectors, metadata=kept)
        self.indexes[name] = {}
        return made

    def _collection(self, method: str, name: str, body: Any) -> Any:
        if method == "DELETE":
            return self.engine.delete_collection(name)
        if method == "PATCH":
            metadata = models.UpdateCollection.model_validate(body).metadata
            return True if metadata is None else self.engine.update_collection(name, metadata=metadata)
        info = self.engine.get_collection(name).model_dump(mode="json")
        info["payload_schema"] = {field: {"data_type": kind, "points": 0} for field, kind in self.indexes[name].items()}
        return info

    def _points(self, method: str, name: str, rest: list[str], body: Any) -> Any:
        engine, action = self.engine, "/".join(rest)
        if action == "points" and method == "PUT":
            asked = _INSERT.validate_python(body)
            points = asked.batch if isinstance(asked, models.PointsBatch) else asked.points
            self.points_written += len(points.ids) if isinstance(points, models.Batch) else len(points)
            return engine.upsert(name, points)
        if action == "points":
            return engine.retrieve(name, body["ids"], body.get("with_payload"), body.get("with_vector"))
        if action == "points/delete":
            return engine.delete(name, _DELETE.validate_python(body))
        if action == "points/count":
            return engine.count(name, _filter(body), exact=body["exact"])
        if action == "points/scroll":
            found, after = engine.scroll(
                name,
                _filter(body),
                body["limit"],
                offset=body.get("offset"),
                with_payload=body["with_payload"],
                with_vectors=body["with_vector"],
            )
            return {"points": found, "next_page_offset": after}
        if action == "facet":
            return engine.facet(name, body["key"], _filter(body), body["limit"], body["exact"])
        if action == "points/query/batch":
            asked = models.QueryRequestBatch.model_validate(body).searches
            plain = [one.model_copy(update={"params": None}) for one in asked]
            return engine.query_batch_points(name, plain)
        raise AssertionError(f"{method} {action} is not spoken here")


def _filter(body: Any) -> models.Filter | None:
    return None if body.get("filter") is None else models.Filter.model_validate(body["filter"])


class _Reusing(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    front: RestFront

    def _serve(self) -> None:
        front = self.front
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.split("?")[0].strip("/")
        front.requests.append(f"{self.command} {path}")
        trouble = front.troubles.popleft() if front.troubles else None
        writes = self.command == "PUT" and path.endswith("/points")
        if writes and front.writes_left is not None:
            front.writes_left -= 1
            if front.writes_left < 0:
                front.die()
                trouble = "die"
        if front.key is not None and self.headers.get("api-key") != front.key:
            self._say(403 if self.headers.get("api-key") else 401, {"status": {"error": "Invalid API key or JWT"}})
        elif isinstance(trouble, int):
            self._say(trouble, {"status": {"error": "not now"}})
        elif trouble != "die":
            if isinstance(trouble, float):
                time.sleep(trouble)
            self._answer(path, body, drop=trouble == "drop")

    def _answer(self, path: str, body: bytes, *, drop: bool) -> None:
        try:
            result = self.front.answer(self.command, path.split("/"), json.loads(body) if body else None)
        except KeyError as error:
            return self._say(404, {"status": {"error": f"Not found: Collection {error} doesn't exist!"}})
        except ValueError as error:
            return self._say(409 if "already exists" in str(error) else 400, {"status": {"error": str(error)}})
        if not drop:
            self._say(200, {"result": _plain(result), "status": "ok", "time": 0.0})
        return None

    def _say(self, status: int, content: Any) -> None:
        said = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        try:
            self.wfile.write(said)
        except BrokenPipeError:
            self.close_connection = True  # who asked did not wait

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _serve

    def log_message(self, *args: Any) -> None:
        pass


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value
