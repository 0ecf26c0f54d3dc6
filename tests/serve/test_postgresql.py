"""A log in a real server of PostgreSQL: shared by services, cleaned, stopped and started."""

import re
import shutil
import threading
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from tests import services
from tests.serve.serving import GENEROUS, HOME, InThread, access_of, bearer
from tests.serve.waiting import until

from penchant.errors import SettingsError, UnavailableError, UnknownIdError
from penchant.serve import Rating, Service
from penchant.serve.app import create_app
from penchant.serve.gate.keys import KeyFile
from penchant.serve.log import schema
from penchant.serve.log.database import opened


@pytest.fixture(scope="module")
def cluster():
    with services.cluster() as cluster:
        yield cluster


@pytest.fixture
def url(cluster):
    """The address of a database without tables."""
    engine = sa.create_engine(cluster.url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return cluster.url


def test_services_share_a_log(films, url, tables, same):
    with Service.open(films, url) as one, Service.open(films, url) as other:

        def write(service, first):
            for n in range(25):
                service.rate([Rating(first + n, 1, 4.0), Rating(first, n + 2, 2.0)], key=f"{n}")

        threads = [
            threading.Thread(target=write, args=(one, 1000)),
            threading.Thread(target=write, args=(other, 1000)),  # the same keys: each once
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: one.status().position == other.status().position == 50)
        assert same(tables(one), tables(other))
        with one._log.database.reading() as connection:
            positions = connection.execute(
                sa.select(schema.events.c.position).order_by(schema.events.c.position)
            ).scalars()
            assert list(positions) == list(range(1, 51))
        one.compact()
        until(lambda: other.status().active == "0002" and other.status().events == 0)
        other.unrate([(1001, 1)])
        with Service.open(films, url) as third:
            assert same(tables(third), tables(other))
            assert third.status().events == 1


def files(service):
    """The files of the tables that had rows of users."""
    names = ("events", "keys", "forgetting")
    asked = ", ".join(f"pg_relation_filenode('{name}')" for name in names)
    with service._log.database.reading() as connection:
        return list(connection.execute(sa.text(f"SELECT {asked}")).one())


def test_forgetting_leaves_no_row(films, url):
    with Service.open(films, url) as service:
        service.rate([Rating(7, 1, 4.0), Rating(801, 1, 4.0)], key="k")
        service.compact()
        before = files(service)
        receipt = service.forget(7, key="forget")
        assert receipt.rewritten == ("0002", "0001", str(films))
        assert any("PostgreSQL" in told for told in receipt.remains)
        assert service.forget(7, key="forget") == receipt
        with pytest.raises(UnknownIdError):
            service.forget(7)
        with service._log.database.reading() as connection:
            left = connection.execute(sa.select(schema.events.c.user_id)).scalars().all()
        assert left == ["801"]
        assert not set(files(service)) & set(before)  # all tables were rewritten


def test_ids_and_values_come_back_as_they_were(films, url):
    with Service.open(films, url) as service:
        service.rate([Rating(801, 2**62, 4.25, -5), Rating(802, 1, 1 + 1e-7)])
        effect = service._log.since(0)[1]
        assert effect[801, 2**62] == (4.25, -5)
        assert effect[802, 1].value == 1 + 1e-7


def test_it_stops_and_starts(films, url, cluster):
    with Service.open(films, url) as service:
        service.rate([Rating(801, 1, 5.0)])
        cluster.stop()
        try:
            with pytest.raises(UnavailableError, match=r"The log in postgresql:///postgres cannot"):
                service.rate([Rating(801, 2, 5.0)])
            until(lambda: not service.status().reachable)
            assert "s3cr" not in str(service.status())
            with service.reading() as model:  # answers go on
                assert len(model.recommend(801, n=3)) == 3
            with pytest.raises(UnavailableError, match="cannot be used"):
                Service.open(films, url)
        finally:
            cluster.start()
        assert service.rate([Rating(801, 2, 5.0)]).position == 2
        until(lambda: service.status().reachable)


def test_two_models_on_one_log_are_refused(films, url, small_model, tmp_path):
    """The second one took the first one's ratings, and the first one could be written no more."""
    small_model.save(tmp_path / "other.penchant")
    with Service.open(films, url) as service:
        service.rate([Rating(77_777, 1, 5.0)])
        with pytest.raises(SettingsError, match="The log is that of the models in another") as told:
            Service.open(tmp_path / "other.penchant", url)
        service.rate([Rating(77_777, 2, 5.0)])
    shutil.rmtree(tmp_path / "films.penchant.serving")  # lost for good
    identity, place = re.search("write ([0-9a-f]{32}) into (.*) to use", str(told.value)).groups()
    Path(place).write_text(identity)
    with Service.open(tmp_path / "other.penchant", url) as service:
        assert service.status().position == 2


def test_neither_place_nor_password_is_told_to_who_needs_it_not(films, url, cluster):
    """The password was in an answer to every key, where it stood in the URL's settings."""
    address, _, rest = url.removeprefix("postgresql://ann:").partition("@")
    host = rest.rpartition("/")[2]  # of the socket's folder
    given = f"postgresql://{rest}&user=ann&password={address}"
    access = access_of(KeyFile.beside(films))
    tokens = {role: KeyFile.beside(films).add(role)[1] for role in ("write", "admin")}
    app = create_app(Service.open(films, given), access, GENEROUS)
    body = [{"user": 1, "item": 1, "rating": 3}]
    with httpx.Client(transport=InThread(app), base_url=HOME) as client:
        cluster.stop()
        try:
            for role, token in tokens.items():
                key = bearer(token)
                until(lambda key=key: client.get("/health/ready", headers=key).status_code == 503)
                answers = [client.get("/health/ready", headers=key)]
                answers.append(client.post("/v1/ratings", json=body, headers=key))
                for answer in answers:
                    assert answer.status_code == 503
                    assert "s3cr" not in answer.text
                    assert (host in answer.text) == (role == "admin")
                assert "Nothing was stored" in answers[1].text
        finally:
            cluster.start()


def test_a_wrong_password_is_not_shown(cluster):
    url = cluster.url.replace("s3cr%25t%2Fpass", "wr0ng%2Fsecret")
    with pytest.raises(UnavailableError, match="password authentication failed") as told:
        opened(url)
    assert "wr0ng" not in str(told.value)
