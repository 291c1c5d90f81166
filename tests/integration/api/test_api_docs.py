"""The API document and its page, as a browser gets them."""

import json
import re

import pytest

from local.cli.openapi import SERVED
from local.cli.paths import PROJECT
from tests.integration.lanes import Api, assert_refused
from triggerfish.edge.openapi.api_docs import ASSETS

TYPES = {"js": "text/javascript", "css": "text/css", "png": "image/png"}


async def test_the_document_is_the_checked_in_one(api: Api) -> None:
    served = await api.http.get("/openapi.json")
    assert served.headers["content-type"] == "application/json"
    assert served.text == (PROJECT / SERVED).read_text(encoding="utf-8")


async def test_the_page_loads_only_what_we_serve_and_runs_no_script_of_its_own(api: Api) -> None:
    page = await api.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert sorted(loaded) == sorted(["openapi.json", *(f"docs/{name}" for name in ASSETS)])
    assert not re.findall(r"<script(?![^>]*src=)|<style|\son\w+=", page.text)
    for name in loaded:
        assert (await api.http.get(f"/{name}")).status_code == 200


async def test_the_page_may_reach_this_origin_only(api: Api) -> None:
    policy = (await api.http.get("/docs")).headers["content-security-policy"]
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert set(" ".join(directives.values()).split()) == {"'none'", "'self'", "data:"}
    assert directives["script-src"] == directives["connect-src"] == "'self'"


@pytest.mark.parametrize("name", ASSETS)
async def test_an_asset_has_the_type_that_a_strict_browser_wants(api: Api, name: str) -> None:
    asset = await api.http.get(f"/docs/{name}")
    assert asset.headers["content-type"].partition(";")[0] == TYPES[name.rpartition(".")[2]]
    assert asset.headers["x-content-type-options"] == "nosniff"
    assert asset.content


async def test_no_secret_and_no_other_server_is_in_what_is_ours(api: Api) -> None:
    init = (await api.http.get("/docs/init.js")).text
    assert "http" not in init
    assert "validatorUrl: null" in init
    assert json.loads((await api.http.get("/openapi.json")).text)["servers"] == [{"url": "/"}]


async def test_an_unknown_asset_is_not_found(api: Api) -> None:
    assert_refused(await api.http.get("/docs/..%2finit.js"), 404)
    assert_refused(await api.http.get("/docs/handler.py"), 404)
