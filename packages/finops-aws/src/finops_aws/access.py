"""How we reach S3, and what to tell the user when AWS refuses us."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from finops_core import FinopsError, Secret
from finops_core.errors import AccessError, ConfigError, DataMissing, DeliveryError

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client

REQUESTS = 5
"""Requests in all for one call that fails for a passing reason (503, a reset): botocore waits longer each time."""

CONNECTIONS = 16
"""Listings and manifests are read by eight threads, files by four; each needs a connection of its own."""

SIGN_IN = "check the profile, or sign in again (aws sso login); aws sts get-caller-identity must work"


@dataclass(frozen=True)
class Access:
    """The settings that decide as whom, and where, we call AWS. Empty: as boto3's own chain says."""

    profile: str = ""
    region: str = ""
    role_arn: str = ""
    external_id: Secret | None = None
    endpoint_url: str = ""


@lru_cache(maxsize=16)
def s3_client(access: Access) -> S3Client:
    """One client per way of access: credentials are asked for once a run, also where that needs a person (MFA)."""
    from botocore.config import Config

    # botocore logs a traceback when a role is refused; we say it ourselves, in a sentence.
    logging.getLogger("botocore.credentials").setLevel(logging.CRITICAL)
    with explained("AWS"):
        session = _session(access)
        return session.client(
            "s3",
            endpoint_url=access.endpoint_url or None,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": REQUESTS},
                max_pool_connections=CONNECTIONS,
                s3={"addressing_style": "path"} if access.endpoint_url else None,
            ),
        )


def _session(access: Access) -> Session:
    import boto3

    session = boto3.Session(profile_name=access.profile or None, region_name=access.region or None)
    return _assumed(session, access) if access.role_arn else session


def _assumed(session: Session, access: Access) -> Session:
    """A session as the role; its credentials are renewed by themselves, so that a long import outlives them."""
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    inner = botocore.session.get_session()
    region = session.region_name or "us-east-1"
    extra = {"RoleSessionName": "finops"} | ({"ExternalId": str(access.external_id)} if access.external_id else {})
    source = session.get_credentials()
    if source is None:
        raise AccessError("no AWS credentials were found", where=access.role_arn, hint=SIGN_IN)
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=partial(inner.create_client, region_name=region),
        source_credentials=source,
        role_arn=access.role_arn,
        extra_args=extra,
    )
    assumed = DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)
    # botocore has no public way to give a session credentials that renew themselves.
    inner._credentials = assumed  # type: ignore[attr-defined]
    return boto3.Session(botocore_session=inner, region_name=access.region or session.region_name)


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn whatever boto3 raises inside into a FinopsError that says what to do."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _refused(error, where) from error
    except (BotoCoreError, Boto3Error) as error:
        raise _unreached(error, where) from error


@dataclass(frozen=True)
class _Answer:
    """What some of S3's error codes mean. `{said}` is the message that came with the code."""

    codes: frozenset[str]
    kind: type[FinopsError]
    what: str
    hint: str


def _answer(codes: str, kind: type[FinopsError], what: str, hint: str) -> _Answer:
    return _Answer(frozenset(codes.split()), kind, what, hint)


_DENIED = "AccessDenied AccessDeniedException AllAccessDisabled Forbidden UnauthorizedAccess 403"

_ANSWERS = (
    _answer(
        _DENIED,
        AccessError,
        "access denied",
        "allow s3:ListBucket on the bucket and s3:GetObject on its objects, or choose another profile or role_arn",
    ),
    _answer(
        "ExpiredToken ExpiredTokenException InvalidToken TokenRefreshRequired RequestExpired",
        AccessError,
        "the AWS credentials have expired",
        SIGN_IN,
    ),
    _answer(
        "InvalidAccessKeyId SignatureDoesNotMatch InvalidClientTokenId UnrecognizedClientException",
        AccessError,
        "AWS does not accept these credentials: {said}",
        SIGN_IN,
    ),
    _answer(
        "RequestTimeTooSkewed", AccessError, "this machine's clock is wrong", "set the clock: AWS compares the times"
    ),
    _answer(
        "NoSuchBucket", DataMissing, "there is no such bucket", "check aws.bucket, aws.region and aws.endpoint_url"
    ),
    _answer("NoSuchKey NotFound 404", DeliveryError, "there is no such object", ""),
    _answer("InvalidObjectState", DeliveryError, "the object is archived", "restore it in S3 first, then run again"),
    _answer(
        "PermanentRedirect AuthorizationHeaderMalformed IllegalLocationConstraintException 301",
        ConfigError,
        "the bucket is in another region: {said}",
        "set aws.region",
    ),
)


def _refused(error: ClientError, where: str) -> FinopsError:
    """What an answer of AWS means. `where` is a bucket or an object."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    said = str(error.response.get("Error", {}).get("Message", "")) or code
    if error.operation_name == "AssumeRole":
        hint = "check aws.role_arn and aws.external_id, and that the role trusts the identity that assumes it"
        return AccessError(f"the role cannot be assumed: {said}", where=where, hint=hint)
    if code in _DENIED.split() and "kms" in said.lower():
        hint = f"allow kms:Decrypt ({said})"
        return AccessError("the bill is encrypted, and its key refuses us", where=where, hint=hint)
    for answer in _ANSWERS:
        if code in answer.codes:
            return answer.kind(answer.what.format(said=said), where=where, hint=answer.hint)
    return DeliveryError(f"S3 answers {code or 'nothing that we know'}: {said}", where=where, hint="run again later")


def _unreached(error: Exception, where: str) -> FinopsError:
    """What a failure on our side of the connection means."""
    from botocore import exceptions as boto

    credentials = (
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.CredentialRetrievalError,
        boto.TokenRetrievalError,
        boto.SSOError,
        boto.RefreshWithMFAUnsupportedError,
    )
    if isinstance(error, boto.NoCredentialsError):
        return AccessError("no AWS credentials were found", where=where, hint=SIGN_IN)
    if isinstance(error, credentials):
        return AccessError(f"the AWS credentials cannot be used: {error}", where=where, hint=SIGN_IN)
    if isinstance(error, boto.ProfileNotFound | boto.ConfigNotFound | boto.ConfigParseError):
        return AccessError(f"{error}", where=where, hint="aws configure list-profiles shows the profiles there are")
    if "Invalid bucket name" in str(error):
        return ConfigError("this cannot be the name of a bucket", where=where, hint="check aws.bucket")
    if isinstance(error, boto.ParamValidationError | boto.InvalidRegionError):
        return ConfigError(f"S3 cannot be asked for this: {error}", where=where, hint="check aws.bucket and aws.region")
    hint = "check the network, aws.region and aws.endpoint_url, then run again"
    return DeliveryError(f"S3 cannot be reached: {error}", where=where, hint=hint)
