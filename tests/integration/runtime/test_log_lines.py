"""Whatever writes to a service's log writes JSON lines: our code, its libraries, their warnings."""

import json
import socket
import subprocess
import sys

from tests.contract.sqs.backends import free_port
from tests.integration.runtime.conftest import Start

NOISE = """
import logging, threading, warnings
from local.runtime.log import adopt_libraries
adopt_libraries("sample")
logging.getLogger("botocore.credentials").warning("none %s", "found")
warnings.warn("old")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("asyncio").exception("lost\\nit")
def fail():
    raise ValueError("in a thread")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
class Bad:
    def __del__(self):
        raise ValueError("in a finalizer")
Bad()
"""


def say_nonsense(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        connection.recv(1000)


def test_what_libraries_log_and_raise_are_json_lines() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", NOISE], capture_output=True, text=True, check=True, timeout=60
    )
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert len(lines) == 5
    assert [line["part"] for line in lines] == ["sample"] * 5
    failures = [line["exception"].splitlines()[-1] for line in lines if "exception" in line]
    assert failures == [
        "ZeroDivisionError: division by zero",
        "ValueError: in a thread",
        "ValueError: in a finalizer",
    ]


def test_what_the_http_server_says_is_a_json_line(start: Start) -> None:
    gateway = start("gateway", host="127.0.0.1", port=0)
    say_nonsense(gateway.wait_for("listening")["port"])
    assert gateway.wait_for("Invalid HTTP request received.")["level"] == "warning"


def test_what_the_broker_says_is_a_json_line() -> None:
    port = free_port()
    command = [sys.executable, "-m", "local.services.broker", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as broker:
        while True:
            try:
                say_nonsense(port)
                break
            except ConnectionRefusedError:
                assert broker.poll() is None
        broker.terminate()
        _, said = broker.communicate(timeout=30)
    lines = [json.loads(line) for line in said.splitlines()]
    assert [line["part"] for line in lines] == ["broker"]
