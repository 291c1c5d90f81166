"""The columns of triggers and revisions with secrets: what each is bound to, sealed and read."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from triggerfish.adapters.vault import Vault
from triggerfish.domain.endpoint import Endpoint
from triggerfish.domain.signing import SigningSecrets
from triggerfish.domain.trigger import Revision, Trigger
from triggerfish.domain.verification import Verification


def sealed_values(revision: Revision, trigger_id: UUID | None, vault: Vault) -> dict[str, Any]:
    """What an INSERT of a revision binds for its secrets."""
    owner, secrets = trigger_id or revision.id, revision.secrets
    headers = dict(revision.definition.endpoint.headers)
    previous, proof = secrets.previous, revision.definition.verification
    return {
        "signing_secret": vault.seal(secrets.present, signing_context(owner)),
        "previous_signing_secret": previous and vault.seal(previous, signing_context(owner)),
        "previous_secret_until": secrets.previous_until,
        "verification_secret": proof and vault.seal(proof.secret, verification_context(owner)),
        "endpoint_headers": vault.seal(json.dumps(headers), headers_context(owner))
        if headers
        else None,
    }


def signing_context(owner: UUID) -> str:
    """What a signing secret is bound to: its trigger, or the revision of an unsaved test."""
    return f"signing_secret:{owner}"


def headers_context(owner: UUID) -> str:
    return f"endpoint_headers:{owner}"


def verification_context(owner: UUID) -> str:
    return f"verification_secret:{owner}"


def answer_context(request_id: UUID) -> str:
    """What the answer of a keyed request is bound to."""
    return f"idempotent_answer:{request_id}"


def token_context(trigger_id: UUID) -> str:
    return f"webhook_token:{trigger_id}"


def sealed_token(vault: Vault, trigger: Trigger) -> str | None:
    """The webhook token to show again; its hash beside it is what finds the trigger."""
    token = trigger.webhook_token
    return None if token is None else vault.seal(token, token_context(trigger.id))


def read_endpoint(row: Row[Any], vault: Vault) -> Endpoint:
    """From endpoint, endpoint_headers, owner_id and revision_id."""
    if row.endpoint_headers is None:
        return Endpoint.from_json(row.endpoint)
    context = headers_context(row.owner_id or row.revision_id)
    headers = json.loads(vault.open(row.endpoint_headers, context))
    return Endpoint.from_json(row.endpoint | {"headers": headers})


def read_verification(row: Row[Any], vault: Vault) -> Verification | None:
    """From verification, verification_secret, owner_id and revision_id."""
    if row.verification is None:
        return None
    context = verification_context(row.owner_id or row.revision_id)
    return Verification.from_json(row.verification, vault.open(row.verification_secret, context))


def read_secrets(row: Row[Any], vault: Vault) -> SigningSecrets:
    """From signing_secret, the two previous_ columns, owner_id and revision_id."""
    context, previous = (
        signing_context(row.owner_id or row.revision_id),
        row.previous_signing_secret,
    )
    return SigningSecrets(
        vault.open(row.signing_secret, context),
        previous and vault.open(previous, context),
        row.previous_secret_until,
    )
