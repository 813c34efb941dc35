"""A server that is down, slow, busy, strange or refuses the key: bounded attempts, then one line; an ingest goes on."""

import socket
import warnings
from collections.abc import Iterator
from concurrent import futures
from dataclasses import replace

import grpc
import pytest

from tests.vectordb.places import filled, gaussian
from tests.vectordb.rest_front import RestFront
from workbench.errors import InputError, StorageError
from workbench.vectordb import Collection, Layout, Server, move

KEY = "do-not-show-me"


@pytest.fixture
def front() -> Iterator[RestFront]:
    made = RestFront()
    yield made
    made.stop()


@pytest.fixture
def server(front: RestFront) -> Server:
    return Server(front.url, "docs", retries=2)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert KEY not in text
    return text


def test_a_server_that_is_down_is_one_line_after_all_attempts():
    down = Server(f"http://127.0.0.1:{free_port()}", "docs", KEY, retries=1)
    with pytest.raises(StorageError, match=r"cannot be reached: .*refused.*2 attempts were made") as error:
        Collection.open(down)
    assert down.url in one_line(error)


def test_a_slow_server_is_one_line_and_not_waited_for_again_and_again(front: RestFront):
    front.troubles.extend([2.5, 2.5])
    with pytest.raises(StorageError, match=r"did not answer within 1 s\. .*2 attempts") as error:
        Collection.open(Server(front.url, "docs", timeout_s=1, retries=1))
    one_line(error)
    assert len(front.requests) == 2


@pytest.mark.parametrize(("key", "said"), [(None, "wants an API key"), ("wrong-" + KEY, "refuses the API key")])
def test_a_refused_key_is_one_line_at_once(front: RestFront, key, said):
    front.key = KEY
    with pytest.raises(StorageError, match=said) as error:
        Collection.open(Server(front.url, "docs", key))
    one_line(error)
    assert len(front.requests) == 1


def test_the_right_key_is_sent_and_never_shown(front: RestFront):
    front.key = KEY
    place = Server(front.url, "docs", KEY)
    with Collection.from_corpus(place, filled(9), gaussian(9), progress=False) as collection:
        assert collection.count() == 9
        assert KEY not in repr(place) + str(place) + repr(collection)


@pytest.mark.parametrize("key", [" ", "a\nb", "schlüssel", ""])
def test_a_key_that_cannot_be_sent_is_refused_unseen(key):
    with pytest.raises(InputError, match="signs that no key has"):
        Collection.open(Server("http://127.0.0.1:1", "docs", key))


def test_a_key_in_the_open_is_warned_of_where_others_could_read_it():
    far = Server("http://192.0.2.1:6333", "docs", KEY, timeout_s=0.1, retries=0)
    with warnings.catch_warnings(), pytest.raises(UserWarning, match="insecure"):
        warnings.simplefilter("error")
        Collection.open(far)


@pytest.mark.parametrize("trouble", [503, 500, 429, "drop"])
def test_a_server_that_recovers_is_waited_for(front: RestFront, server: Server, trouble):
    with Collection.create(server, dimensions=8) as collection:
        front.requests.clear()
        front.troubles.extend([trouble, trouble])
        collection.upsert(gaussian(20), progress=False)
        assert front.requests == ["PUT collections/docs/points"] * 3
        assert collection.count() == 20


def test_a_server_that_stays_busy_is_one_line(front: RestFront, server: Server):
    front.troubles.extend([503] * 3)
    with pytest.raises(StorageError, match=r"cannot do it now: 503, not now\. .*3 attempts") as error:
        Collection.open(server)
    one_line(error)
    assert len(front.requests) == 3


def test_what_is_refused_is_not_asked_again(front: RestFront, server: Server):
    with Collection.create(server, dimensions=8) as collection:
        front.requests.clear()
        front.troubles.append(400)
        with pytest.raises(InputError, match="refuses what was asked: not now"):
            collection.count()
        assert len(front.requests) == 1


def test_a_creation_whose_answer_was_lost_is_no_error(front: RestFront, server: Server):
    front.troubles.extend([None, "drop"])
    with Collection.create(server, dimensions=8, fields={"a": "keyword"}) as collection:
        assert collection.count() == 0
    assert front.requests.count("PUT collections/docs") == 2
    with pytest.raises(StorageError, match="already"):
        Collection.create(server, dimensions=8)


def test_indexes_that_a_creation_has_not_made_are_made_at_opening(front: RestFront, server: Server):
    fields = {"source": "keyword", "day. 1": "datetime", "open": "bool"}
    front.troubles.extend([None, None, None, None, None, 400])
    with pytest.raises(InputError):
        Collection.create(server, dimensions=8, fields=fields)
    assert front.indexes["docs"] == {"source": "keyword"}
    Collection.open(server).close()
    assert front.indexes["docs"] == fields
    asked = front.requests.count("PUT collections/docs/index")
    Collection.open(server).close()
    assert front.requests.count("PUT collections/docs/index") == asked


def test_an_ingest_goes_on_where_the_server_died(front: RestFront, server: Server):
    corpus, vectors = filled(1_500), gaussian(1_500)
    short = replace(server, retries=1)
    front.writes_left = 3
    with pytest.raises(StorageError, match="cannot be reached"):
        Collection.from_corpus(short, corpus, vectors, progress=False)
    assert front.points_written == 3 * 256
    front.writes_left = None
    front.start()
    with Collection.from_corpus(short, corpus, vectors, progress=False) as collection:
        assert front.points_written == 1_500  # none was written twice
        assert {match.id for match in collection.scroll()} == set(corpus.ids)
    with pytest.raises(StorageError, match="other texts or vectors"):
        Collection.from_corpus(short, filled(1_500, seed=1), vectors, progress=False)


def test_a_move_goes_on_where_the_server_died(front: RestFront, server: Server, tmp_path):
    short = replace(server, retries=0)
    with Collection.from_corpus(tmp_path / "here", filled(1_000), gaussian(1_000), progress=False) as source:
        front.writes_left = 2
        with pytest.raises(StorageError, match="cannot be reached"):
            move(source, short, progress=False)
        front.writes_left = None
        front.start()
        report = move(source, short, progress=False)
        assert (report.points, report.present, report.queries) == (1_000 - 512, 512, 32)


def test_a_copy_that_answers_otherwise_is_not_let_through(front: RestFront, server: Server, tmp_path):
    answer = front.answer

    def with_a_lie(method, path, body):
        result = answer(method, path, body)
        return result[::-1] if path[-1] == "batch" else result

    front.answer = with_a_lie  # type: ignore[method-assign]
    with (
        Collection.from_corpus(tmp_path / "here", filled(100), gaussian(100), progress=False) as source,
        pytest.raises(StorageError, match="finds other points"),
    ):
        move(source, server, progress=False)


def test_a_large_batch_is_sent_in_several_requests(front: RestFront, server: Server):
    vectors = gaussian(300, 2_000)
    with Collection.create(server, dimensions=2_000) as collection:
        front.requests.clear()
        collection.upsert(vectors, batch=300, progress=False)
        assert front.requests.count("PUT collections/docs/points") == 2
        assert collection.count() == 300


def test_two_writers_do_not_forget_each_others_columns(server: Server):
    corpus = filled(10)
    with Collection.create(server, dimensions=8) as one, Collection.open(server) as other:
        for writer, name in ((one, "price"), (other, "stock")):
            part = replace(corpus, metadata=corpus.metadata[[name]])
            writer.upsert(gaussian(10), part, progress=False)
    with Collection.open(server) as again:
        assert set(again.config.columns) == {"price", "stock"}


def test_what_something_else_has_made_is_refused(front: RestFront, server: Server):
    front.keeps_metadata = False
    with pytest.raises(StorageError, match=r"keeps no metadata of a collection\. Use version 1.16"):
        Collection.create(server, dimensions=8)
    assert not front.engine.collection_exists("docs")
    front.answer("PUT", ["collections", "docs"], {"vectors": {"size": 8, "distance": "Cosine"}})
    with pytest.raises(StorageError, match="does not say what its vectors are"):
        Collection.open(server)


def test_a_collection_that_was_deleted_meanwhile_is_one_line(front: RestFront, server: Server):
    with Collection.create(server, dimensions=8) as collection:
        front.engine.delete_collection("docs")
        with pytest.raises(StorageError, match="there is no collection 'docs'"):
            collection.query(gaussian(1))


def test_another_kind_of_server_is_named(front: RestFront, server: Server):
    front.answer = lambda method, path, body: {"hello": "world"}  # type: ignore[method-assign]
    with pytest.raises(StorageError, match="is no Qdrant server") as error:
        Collection.open(server)
    one_line(error)


def test_closed_it_says_so(server: Server):
    collection = Collection.create(server, dimensions=8)
    collection.close()
    collection.close()
    with pytest.raises(StorageError, match="closed"):
        collection.count()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "localhost:6333"}, "no address"),
        ({"url": "http://"}, "no address"),
        ({"url": "http://host:port"}, "no address"),
        ({"url": "http://me:secret@host"}, "more than the address"),
        ({"collection": "a/b"}, "cannot be called"),
        ({"collection": ""}, "cannot be called"),
        ({"timeout_s": 0}, "timeout_s=0"),
        ({"retries": -1}, "retries=-1"),
    ],
)
def test_a_server_that_is_none_is_refused(wrong, said):
    with pytest.raises(InputError, match=said) as error:
        Server(**{"url": "http://localhost:6333", "collection": "docs", **wrong})
    assert "secret" not in str(error.value)


def test_what_needs_a_server_is_refused_in_the_imitation():
    for name in ("shard_number", "replication_factor", "write_consistency_factor"):
        with pytest.raises(InputError, match=f"{name}=2 needs a server"):
            Collection.create(Server(":memory:", "shards"), dimensions=8, layout=Layout(**{name: 2}))


def test_shards_and_copies_are_asked_for(front: RestFront, server: Server):
    seen = []
    answer = front.answer
    front.answer = lambda method, path, body: (seen.append(body), answer(method, path, body))[1]  # type: ignore[method-assign]
    copies = {"shard_number": 3, "replication_factor": 2, "write_consistency_factor": 2}
    layout = Layout(**copies, quantization="turbo", on_disk=True)
    with Collection.create(server, dimensions=8, layout=layout):
        pass
    made = next(body for body in seen if body and "shard_number" in body)
    assert {name: made[name] for name in copies} == copies
    assert (made["on_disk_payload"], "turbo" in made["quantization_config"]) == (True, True)


class Refusing(grpc.GenericRpcHandler):
    """A gRPC server that fails every call with one status."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self.code, self.calls = code, 0

    def service(self, details):
        def fail(request, context):
            self.calls += 1
            context.abort(self.code, "not for you")

        return grpc.unary_unary_rpc_method_handler(fail)


@pytest.mark.parametrize(
    ("code", "kind", "said", "calls"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, StorageError, "refuses the API key", 1),
        (grpc.StatusCode.PERMISSION_DENIED, StorageError, "refuses the API key", 1),
        (grpc.StatusCode.UNAVAILABLE, StorageError, r"cannot be reached: not for you.*2 attempts", 2),
        (grpc.StatusCode.INVALID_ARGUMENT, InputError, "refuses what was asked: not for you", 1),
        (grpc.StatusCode.DEADLINE_EXCEEDED, StorageError, "did not answer within", 2),
    ],
)
def test_by_grpc_too_it_is_one_line(code, kind, said, calls):
    refusing = Refusing(code)
    listening = grpc.server(futures.ThreadPoolExecutor(1), handlers=(refusing,))
    port = listening.add_insecure_port("127.0.0.1:0")
    listening.start()
    try:
        with pytest.raises(kind, match=said) as error:
            Collection.open(Server("http://127.0.0.1", "docs", KEY, grpc=True, grpc_port=port, retries=1))
        one_line(error)
        assert refusing.calls == calls
    finally:
        listening.stop(None).wait()
