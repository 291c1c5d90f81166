"""The functions' settings, checked before a command begins: what is wrong names its variable."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.cli.refusal import refuse

if TYPE_CHECKING:
    from triggerfish.settings import Settings

PREFIX = "TRIGGERFISH_"
DATABASE = f"{PREFIX}DATABASE_URL"
KEYS_FILE = f"{PREFIX}ENCRYPTION_KEYS_FILE"
STAND_IN = "postgresql://localhost/none"


def read_settings(*, makes_keys: bool = False) -> "Settings":
    """The settings of this environment; what is wrong with them ends the command.

    `makes_keys`: the command writes the file of the key ring if there is none yet.
    """
    from triggerfish.settings import Settings

    file = os.environ.get(KEYS_FILE)
    comes = makes_keys and file and not Path(file).exists()
    check_settings({**os.environ, KEYS_FILE: ""} if comes else os.environ)
    return Settings()


def check_settings(environ: Mapping[str, str], *, needs_database: bool = True) -> None:
    """End the command, naming every wrong variable.

    Where no database is needed, or one is still to be made, TRIGGERFISH_DATABASE_URL may lack.
    """
    given = environ.get(DATABASE) or STAND_IN
    found = problems(environ if needs_database else {**environ, DATABASE: given})
    if found:
        refuse("\n".join(found))


def problems(environ: Mapping[str, str]) -> list[str]:
    """A sentence for each variable whose value does not work. Secrets are not quoted."""
    from pydantic import ValidationError

    from triggerfish.settings import Settings

    variables = {name: f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    given = {name: environ[one] for name, one in variables.items() if environ.get(one)}
    try:
        return _unusable(_of(given))
    except ValidationError as error:
        return [_said(one, variables) for one in error.errors()]


def _of(given: Mapping[str, str]) -> "Settings":
    """Settings of these values alone, whatever this process has in its environment."""
    from pydantic_settings import PydanticBaseSettingsSource

    from triggerfish.settings import Settings

    class Given(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: Any,
            init_settings: PydanticBaseSettingsSource,
            *others: Any,
            **also: Any,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (init_settings,)

    return Given.model_validate(given)


def _said(error: Mapping[str, Any], variables: Mapping[str, str]) -> str:
    from triggerfish.domain.model_errors import words
    from triggerfish.settings import Settings

    if not error["loc"]:  # it is about several, and names them
        return words(error)
    name = error["loc"][0]
    if error["type"] == "missing":
        return f"{variables[name]} is required. {Settings.model_fields[name].description}"
    return f"{variables[name]} {words(error)}."


def _unusable(settings: "Settings") -> list[str]:
    """Of values that have the right form, those which mean nothing."""
    from triggerfish.domain.egress import parse_egress_allow
    from triggerfish.domain.errors import InvalidInput

    found = []
    try:
        _ = settings.key_ring
    except OSError as error:
        found.append(f"{KEYS_FILE} cannot be read: {error.strerror}.")
    except ValueError as error:
        found.append(f"{PREFIX}ENCRYPTION_KEYS: {error}")
    try:
        parse_egress_allow(settings.egress_allow)
    except InvalidInput as invalid:
        found.append(f"{PREFIX}EGRESS_ALLOW: {invalid.message}.")
    return found
