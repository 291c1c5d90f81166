"""Handler name to callable; each way it can go wrong has its message, worded as awslambdaric's."""

import importlib
import sys
from collections.abc import Callable
from typing import Any

from local.runtime.model import Function

Handler = Callable[[Any, Any], Any]


class LoadError(Exception):
    """The function's handler cannot be had. `kind` is Lambda's error type."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def load_handler(function: Function) -> Handler:
    """Import the function's module from its project and return its handler. Raises LoadError."""
    if not function.module or not function.attribute.isidentifier():
        name = f"{function.module}.{function.attribute}"
        raise LoadError("Runtime.MalformedHandlerName", f"Bad handler '{name}': not file.function")
    root = str(function.root)
    if root not in sys.path:
        sys.path.insert(0, root)
    handler = getattr(_import(function), function.attribute, None)
    if handler is None:
        message = f"Handler '{function.attribute}' missing on module '{function.module}'"
        raise LoadError("Runtime.HandlerNotFound", message)
    if not callable(handler):
        message = f"Handler '{function.attribute}' of module '{function.module}' is not callable"
        raise LoadError("Runtime.HandlerNotFound", message)
    return handler  # type: ignore[no-any-return]  # checked callable; its signature is the function's promise


def _import(function: Function) -> Any:
    try:
        return importlib.import_module(function.module)
    except ImportError as error:
        message = f"Unable to import module '{function.module}': {error}"
        raise LoadError("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        message = f"Syntax error in module '{function.module}': {error}"
        raise LoadError("Runtime.UserCodeSyntaxError", message) from error
    except (
        Exception
    ) as error:  # a module's top level is the user's code: anything may come out of it
        message = f"Module '{function.module}' failed: {type(error).__name__}: {error}"
        raise LoadError("Runtime.ImportModuleError", message) from error
