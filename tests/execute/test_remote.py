"""Results at a URL: whole or absent, verified when they are fetched, never outside their directory."""

import json

import pytest

from gauger.errors import DamagedError, UserError
from gauger.execute.cache import MANIFEST, Cache, State
from gauger.execute.remote import MirroredCache, RemoteStore, StoreError

KEY = "k" * 64


@pytest.fixture
def store(tmp_path):
    return RemoteStore((tmp_path / "store").as_uri())


@pytest.fixture
def sent(tmp_path, store):
    """A result made in one cache and uploaded; returns its directory in the store."""
    cache = Cache(tmp_path / "one")
    out = cache.begin(KEY)
    (out / "deep").mkdir()
    (out / "weights.bin").write_bytes(b"0123456789")
    (out / "deep" / "text.txt").write_text("text")
    store.send(KEY, cache.commit(KEY, out, seconds=1.5))
    return tmp_path / "store" / KEY


def test_what_was_sent_is_fetched_as_it_was(sent, store, tmp_path):
    other = Cache(tmp_path / "two")
    path = store.fetch(KEY, other)
    assert path == other.path(KEY)
    assert (path / "weights.bin").read_bytes() == b"0123456789"
    assert (path / "deep" / "text.txt").read_text() == "text"
    assert other.inspect(KEY).seconds == 1.5
    assert other.in_progress() == set()


def test_an_upload_without_its_last_file_is_no_result(sent, store, tmp_path):
    (sent / MANIFEST).unlink()
    assert not store.has(KEY)
    with pytest.raises(DamagedError, match="does not have it"):
        store.fetch(KEY, Cache(tmp_path / "two"))
    store.send(KEY, tmp_path / "one" / "entries" / KEY)
    assert store.has(KEY), "and may be sent again"


def forge(sent, name):
    manifest = json.loads((sent / MANIFEST).read_text())
    manifest["files"][name] = {"bytes": 1, "sha256": "0" * 64}
    (sent / MANIFEST).write_text(json.dumps(manifest))


DAMAGE = {
    "a changed byte": lambda sent: (sent / "weights.bin").write_bytes(b"0123456780"),
    "a cut file": lambda sent: (sent / "weights.bin").write_bytes(b"0123"),
    "a missing file": lambda sent: (sent / "weights.bin").unlink(),
    "a cut list": lambda sent: (sent / MANIFEST).write_bytes((sent / MANIFEST).read_bytes()[:40]),
    "a way out": lambda sent: forge(sent, "../../outside.txt"),
    "an absolute name": lambda sent: forge(sent, "/outside.txt"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_result_is_refused_and_removed_from_the_store(sent, store, tmp_path, damage):
    damage(sent)
    told = []
    cache = MirroredCache(tmp_path / "two", lambda key, reason: told.append((key, reason)), store)
    assert cache.look_up(KEY).state is State.MISSING
    assert [key for key, _ in told] == [KEY]
    assert "in file://" in told[0][1]
    assert not sent.exists()
    assert not (tmp_path / "outside.txt").exists()
    assert cache.in_progress() == set()


def test_a_mirrored_cache_looks_here_then_there(sent, store, tmp_path):
    cache = MirroredCache(tmp_path / "two", store=store)
    entry = cache.look_up(KEY)
    assert (entry.state, entry.seconds) == (State.DONE, 1.5)
    sent.rename(sent.with_name("gone"))
    assert cache.look_up(KEY).state is State.DONE
    assert cache.look_up("x" * 64).state is State.MISSING
    with pytest.raises(DamagedError):
        cache.receive("x" * 64)
    cache.publish(KEY)
    assert store.has(KEY)


def test_a_url_of_no_known_kind_is_the_user_s_mistake():
    with pytest.raises(UserError, match="gopher://hole"):
        RemoteStore("gopher://hole/x")


def test_what_a_store_answers_is_said(tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = RemoteStore((tmp_path / "file").as_uri())
    cache = Cache(tmp_path / "one")
    out = cache.begin(KEY)
    (out / "a").write_text("a")
    with pytest.raises(StoreError, match="file://"):
        store.send(KEY, cache.commit(KEY, out))
