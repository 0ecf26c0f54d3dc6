"""Keys: what is kept of them, what they open, and what nobody learns of them."""

import hashlib
import json
import os
import stat

import pytest
from tests.serve.serving import bearer

from penchant.errors import SettingsError, SourceError, UnknownIdError
from penchant.serve.gate.keys import ROLES, KeyFile, Verifier


@pytest.fixture
def file(tmp_path):
    return KeyFile.beside(tmp_path / "films.penchant")


def test_only_a_hash_is_kept_and_only_the_owner_reads_it(file):
    key, token = file.add("write")
    id_, secret = token.split(".")
    assert (id_, len(secret)) == (key.id, 43)  # 256 bits
    kept = file.path.read_text()
    assert secret not in kept
    assert key.digest == hashlib.sha256(secret.encode()).hexdigest()
    assert key.digest in kept
    assert stat.S_IMODE(os.stat(file.path).st_mode) == 0o600
    assert file.path.name == "films.penchant.keys.json"


def test_keys_come_and_go(file):
    assert file.read() == ()
    made = [file.add(role)[0] for role in ROLES]
    assert file.read() == tuple(made)
    assert file.remove(made[1].id) == made[1]
    assert file.read() == (made[0], made[2])
    with pytest.raises(UnknownIdError, match="There is no key 'nobody'"):
        file.remove("nobody")


def test_a_role_that_is_none(file):
    with pytest.raises(SettingsError, match="role must be one of 'read', 'write', 'admin'"):
        file.add("owner")
    assert not file.path.exists()


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(SettingsError, match="There is no folder"):
        KeyFile.beside(tmp_path / "none" / "films.penchant").add("read")


def test_a_file_that_cannot_be_written(file, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("penchant.atomic.os.fsync", full)
    with pytest.raises(SourceError, match="can't be written: No space left"):
        file.add("read")
    assert os.listdir(file.path.parent) == ["films.penchant.keys.lock"]


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        '{"format": 1, "keys": []}',
        '{"format": 2, "keys": [{}]}',
        '{"format": 2, "keys": [{"id": "a", "role": "god", "digest": "h", "created": "c"}]}',
        '{"format": 2, "keys": [{"id": "a", "role": "read", "digest": 7, "created": "c"}]}',
        '{"format": 2, "keys": [{"id": "a", "role": "read", "digest": "é", "created": "c"}]}',
        '{"format": 2, "keys": 7}',
    ],
)
def test_a_file_that_is_none_of_ours(file, text):
    file.path.write_text(text)
    with pytest.raises(SourceError, match="is no file of keys"):
        file.read()


def test_a_file_that_is_damaged(file):
    file.path.write_text("{")
    with pytest.raises(SourceError, match="can't be read"):
        file.read()


def test_tokens_that_are_none(file):
    key, token = file.add("read")
    verifier = Verifier(file)
    assert verifier.key_of(token) == key
    wrong = "A" * 43
    unknown = f"{'0' * 12}.{wrong}"
    tried = (f"{key.id}.{wrong}", unknown, token[:-1], token + "x", "", "no key", f"{key.id}.")
    assert [verifier.key_of(one) for one in (*tried, "é.\ud800")] == [None] * 8


def test_a_file_without_keys_is_there_all_the_same(file):
    assert not Verifier(file).keyed
    file.remove(file.add("admin")[0].id)
    assert Verifier(file).keyed


def test_a_removed_key_is_wrong_at_once_and_a_new_one_right(file):
    key, token = file.add("read")
    verifier = Verifier(file)
    assert verifier.key_of(token) == key
    file.remove(key.id)
    other, second = file.add("admin")
    verifier.reload()
    assert verifier.key_of(token) is None
    assert verifier.key_of(second) == other


def test_the_same_id_with_another_role_is_another_key(file):
    key, token = file.add("admin")
    verifier = Verifier(file)
    assert verifier.key_of(token) == key
    said = json.loads(file.path.read_text())
    said["keys"][0]["role"] = "read"
    file.path.write_text(json.dumps(said) + " ")
    verifier.reload()
    assert verifier.key_of(token).role == "read"


def test_a_file_that_breaks_while_it_is_used_opens_nothing(file):
    key, token = file.add("read")
    verifier = Verifier(file)
    assert verifier.key_of(token) == key
    file.path.write_text("broken")
    with pytest.raises(SourceError):
        verifier.reload()
    assert verifier.key_of(token) is None


def test_a_header_is_made_of_a_token():
    assert bearer("a.b") == {"Authorization": "Bearer a.b"}
