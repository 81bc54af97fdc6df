"""The table of published clients is complete, and every play belongs to a client."""

from tests.contract.published_clients.table import PLAYS, read


def test_every_client_has_a_play_and_every_play_a_client() -> None:
    assert sorted(client.play for client in read()) == sorted(path.name for path in PLAYS.iterdir() if path.is_file())


def test_every_client_says_where_it_comes_from_and_how_it_is_pointed_at_the_fakes() -> None:
    for client in read():
        assert client.registry in ("pypi", "npm")
        assert all((client.version, client.licence, client.flow, client.pointed, client.dialect))
