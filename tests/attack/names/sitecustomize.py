"""Leads every look-up of the platform under attack to the attack's own name server."""

import os
from importlib import import_module, util
from typing import Any

port = os.environ.get("ATTACK_NAME_SERVER_PORT")
if port and util.find_spec("aiodns"):
    _made: Any = import_module("aiodns").DNSResolver.__init__

    def _make(self: Any, *_: Any, **options: Any) -> None:
        _made(self, [f"127.0.0.1:{port}"], **options)

    import_module("aiodns").DNSResolver.__init__ = _make
