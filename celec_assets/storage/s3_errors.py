"""What S3 or the way to it refuses, as the lake's own errors: what is wrong and what to do. Secrets are in none."""

from typing import Final

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
)

from celec_assets.storage.store import AccessDenied, LakeUnavailable, ObjectMissing

_OUTRUN: Final = {"PreconditionFailed", "ConditionalRequestConflict"}
_DENIED: Final = {"AccessDenied", "AllAccessDisabled", "KMS.DisabledException", "Forbidden"}
_CREDENTIALS: Final = {
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"),
    "RequestTimeTooSkewed",
}


class Outrun(Exception):
    """A put on a condition came too late: something else is there than was read."""


def code_of(error: Exception) -> str:
    """S3's own name of an error; empty where S3 said nothing."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def in_plain_words(error: Exception, action: str, key: str, url: str, address: str) -> Exception:
    """The error to raise in place of boto3's.

    Args:
        action: IAM's name of what was tried, for instance `s3:GetObject`.
        key: of the object, or the prefix that was listed.
        url: the lake's.
        address: host and port that were asked.
    """
    code = code_of(error)
    if isinstance(error, ClientError):
        return _refused(error, code, action, key, url, address)
    if isinstance(error, (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, TokenRetrievalError)):
        return LakeUnavailable(
            f"there are no AWS credentials for the lake {url} ({type(error).__name__}): set AWS_PROFILE, or "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run it under a role"
        )
    if isinstance(error, (ConnectionError, HTTPClientError)):
        return LakeUnavailable(
            f"{address}, where the lake {url} is, does not answer ({type(error).__name__}): check the network, and "
            "AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL if one is set"
        )
    return OSError(f"{action} on {url}/{key} failed: {error}")


def _refused(error: ClientError, code: str, action: str, key: str, url: str, address: str) -> Exception:
    answered = error.response.get("ResponseMetadata", {})
    status = answered.get("HTTPStatusCode", 0)
    if code == "NoSuchBucket":
        return LakeUnavailable(f"there is no bucket for the lake {url} at {address}: create it, or correct the URL")
    if code in _OUTRUN or (code == "NoSuchKey" and action == "s3:PutObject"):
        return Outrun(key)
    if code == "NoSuchKey":
        return ObjectMissing(key, url)
    if code in _CREDENTIALS:
        return LakeUnavailable(
            f"{address} does not accept the AWS credentials for the lake {url} ({code}): renew or correct them; for "
            "RequestTimeTooSkewed, set this machine's clock"
        )
    if code in _DENIED or status == 403:
        hint = (
            " (S3 says the same of an object that is not there, unless s3:ListBucket is allowed)"
            if action == "s3:GetObject"
            else ""
        )
        # AWS says who was refused, and which action: it may be the key's, kms:GenerateDataKey for instance.
        said = f"; {message}" if (message := error.response.get("Error", {}).get("Message")) else ""
        return AccessDenied(
            f"{action} on {url}/{key} is not allowed ({code}): let the role that runs this do it{hint}{said}"
        )
    if status >= 500 or code == "SlowDown":
        attempts = answered.get("RetryAttempts", 0) + 1
        return LakeUnavailable(
            f"{address}, where the lake {url} is, answered {attempts} times with {status} {code}: it is down or "
            "overloaded; nothing was changed in part, try again later"
        )
    return OSError(f"{action} on {url}/{key} failed: {error}")
