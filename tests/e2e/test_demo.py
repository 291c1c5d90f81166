"""`triggerfish demo` against a running platform."""

import subprocess

from tests.e2e.platform import ROOT, Platform, platform

DEMO_SECONDS = 150


def demo(one: Platform) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        one.command("demo"),
        env=one.environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
        check=False,
    )


def test_the_demo_delivers_every_kind_and_leaves_no_trigger_behind(shared: Platform) -> None:
    before = len(shared.request("GET", "/triggers").json()["data"])
    result = demo(shared)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("success") == 6  # in, at, api, and three of every
    assert "is valid (Standard Webhooks)" in result.stdout
    assert "400, order_id" in result.stdout
    assert len(shared.request("GET", "/triggers").json()["data"]) == before


def test_the_demo_says_why_no_trigger_is_made_when_loopback_is_closed():
    with platform(settings={"EGRESS_ALLOW": ""}) as one:
        result = demo(one)
    assert result.returncode == 1
    assert "POST /api/v1/triggers: 400" in result.stdout
    assert "TRIGGERFISH_EGRESS_ALLOW" in result.stdout
