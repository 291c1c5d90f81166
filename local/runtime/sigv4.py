"""Whether a request was signed with our secret, by AWS Signature Version 4 (boto3, the AWS CLI)."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPMessage

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

MAX_CLOCK_SKEW = timedelta(minutes=5)  # as on AWS
_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/,]+)/(?P<day>\d{8})/(?P<region>[\w-]+)/"
    r"(?P<service>[\w-]+)/aws4_request, *SignedHeaders=(?P<headers>[\w;-]+), *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_MUST_BE_SIGNED = {"host", "x-amz-date"}


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a signature covers; `target` is the path with its query, as it was sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def is_signed(request: SignedRequest, secret: str, now: datetime) -> bool:
    """Whether whoever sent this knows the secret, and sent it within MAX_CLOCK_SKEW of `now`."""
    said = _HEADER.fullmatch(request.headers.get("authorization", ""))
    stamp = request.headers.get("x-amz-date", "")
    if said is None or not _is_recent(stamp, now) or not stamp.startswith(said["day"]):
        return False
    names = said["headers"].split(";")
    if not set(names) >= _MUST_BE_SIGNED or not set(names) <= set(request.headers):
        return False
    auth = _BodySigned(Credentials(said["key"], secret), said["service"], said["region"])
    signed = {name: request.headers[name] for name in names}
    # The scheme has no part in a signature. "http" has botocore hash the body, always.
    url = f"http://{request.headers['host']}{request.target}"
    rebuilt = AWSRequest(request.method, url, headers=signed, data=request.body)
    rebuilt.context["timestamp"] = stamp
    expected = auth.signature(
        auth.string_to_sign(rebuilt, auth.canonical_request(rebuilt)), rebuilt
    )
    return hmac.compare_digest(expected, said["signature"])


class _BodySigned(SigV4Auth):
    """Takes every header it is given as signed, and the body's own hash instead of a stated one."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPMessage:
        signed = HTTPMessage()
        for name, value in request.headers.items():
            signed[name] = value
        return signed

    def canonical_request(self, request: AWSRequest) -> str:
        *head, _ = super().canonical_request(request).split("\n")
        return "\n".join([*head, self.payload(request)])


def _is_recent(stamp: str, now: datetime) -> bool:
    try:
        sent = datetime.strptime(stamp, SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(now - sent) <= MAX_CLOCK_SKEW
