"""Routing priority, as API Gateway documents it for HTTP APIs."""

import timeit

import pytest

from local.runtime.routing import Routes, path_parameters

ROUTES = Routes(
    {
        ("POST", "/triggers"): "create",
        ("ANY", "/triggers"): "manage",
        ("ANY", "/triggers/{id}"): "one",
        ("GET", "/triggers/{id}"): "get one",
        ("ANY", "/triggers/latest"): "latest",
        ("GET", "/triggers/{id}/fires"): "fires",
        ("ANY", "/triggers/{proxy+}"): "deep",
        ("ANY", "/{proxy+}"): "any path",
        ("ANY", "$default"): "default",
    }
)


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("POST", "/triggers", "create"),
        ("GET", "/triggers", "manage"),
        ("PURGE", "/triggers", "manage"),
        ("GET", "/triggers/latest", "latest"),
        ("GET", "/triggers/7", "get one"),
        ("DELETE", "/triggers/7", "one"),
        ("GET", "/triggers/7/fires", "fires"),
        ("POST", "/triggers/7/fires", "deep"),
        ("GET", "/triggers/7/8/9", "deep"),
        ("GET", "/triggers/", "any path"),
        ("GET", "/triggers/a\nb", "get one"),
        ("GET", "/other", "any path"),
        ("GET", "/", "default"),
    ],
)
def test_the_most_specific_route_answers(method: str, path: str, target: str) -> None:
    assert ROUTES.find(method, path) == target


def test_without_a_default_an_unmatched_path_has_no_route() -> None:
    routes = Routes({("GET", "/a"): "a"})
    assert routes.find("GET", "/b") is None
    assert routes.find("POST", "/a") is None


def test_characters_of_a_route_are_taken_literally() -> None:
    assert Routes({("GET", "/a.b/{x}"): "dot"}).find("GET", "/aXb/1") is None


def test_path_parameters_are_those_of_the_route() -> None:
    assert path_parameters("/a/{b}/c/{d+}", "/a/1/c/2/3") == {"b": "1", "d": "2/3"}
    assert path_parameters("$default", "/x") == {}


def test_a_lookup_costs_at_most_ten_microseconds() -> None:
    paths = ["/triggers", "/triggers/7", "/triggers/7/8/9", "/"]
    seconds = min(
        timeit.repeat(lambda: [ROUTES.find("GET", path) for path in paths], number=500, repeat=5)
    )
    assert seconds / 500 / len(paths) < 10e-6
