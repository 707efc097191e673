"""As whom and where AWS is called: profile, role and region, each export with its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from finops_aws.access import Access, s3_client
from finops_aws.provider import Aws
from finops_core import Secret

PROFILES = """
[profile payer-one]
region = eu-central-1
[profile payer-two]
region = cn-northwest-1
"""
KEYS = """
[payer-one]
aws_access_key_id = AKIAONE
aws_secret_access_key = one
[payer-two]
aws_access_key_id = AKIATWO
aws_secret_access_key = two
"""


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which only the configuration files know credentials."""
    for name, text in (("AWS_CONFIG_FILE", PROFILES), ("AWS_SHARED_CREDENTIALS_FILE", KEYS)):
        path = tmp_path / name
        path.write_text(text)
        monkeypatch.setenv(name, str(path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    s3_client.cache_clear()


@pytest.mark.usefixtures("profiles")
def test_a_profile_brings_its_credentials_and_its_region() -> None:
    for name, key, region in (("payer-one", "AKIAONE", "eu-central-1"), ("payer-two", "AKIATWO", "cn-northwest-1")):
        client = s3_client(Access(profile=name))
        assert client._request_signer._credentials.access_key == key  # type: ignore[attr-defined]
        assert client.meta.region_name == region


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("cn-north-1", "https://s3.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "https://s3.us-gov-west-1.amazonaws.com"),
        ("ap-south-1", "https://s3.ap-south-1.amazonaws.com"),
    ],
)
def test_a_region_decides_the_address_also_in_china(region: str, address: str) -> None:
    assert s3_client(Access(profile="payer-one", region=region)).meta.endpoint_url == address


@pytest.mark.usefixtures("profiles")
def test_a_role_is_assumed_by_the_profile_in_the_region_of_the_bucket(
    monkeypatch: pytest.MonkeyPatch, s3_url: str
) -> None:
    import botocore.session

    asked = []
    create = botocore.session.Session.create_client

    def noted(self: botocore.session.Session, service_name: str, **given: Any) -> Any:
        asked.append((service_name, given.get("region_name"), given.get("aws_access_key_id")))
        return create(self, service_name, **given)

    monkeypatch.setattr(botocore.session.Session, "create_client", noted)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", s3_url)
    access = Access("payer-two", "cn-north-1", "arn:aws-cn:iam::000011112222:role/reader", Secret("shared"))
    client = s3_client(access)
    assert client.meta.endpoint_url == "https://s3.cn-north-1.amazonaws.com.cn"
    held = client._request_signer._credentials.get_frozen_credentials()  # type: ignore[attr-defined]
    assert held.access_key.startswith("ASIA")
    assert ("sts", "cn-north-1", "AKIATWO") in asked


def test_each_export_has_its_own_way_in(tmp_path: Path) -> None:
    from finops_core.config import provider_runs
    from finops_core.config.files import ConfigFile
    from finops_core.config.resolve import Sources

    file = tmp_path / "config.toml"
    file.write_text(
        '[aws]\nbucket = "bills"\nregion = "eu-west-1"\n'
        '[aws.exports.one]\nprofile = "payer-one"\n'
        '[aws.exports.two]\nbucket = "bills-two"\nrole_arn = "arn:aws:iam::1:role/r"\nrequester_pays = true\n'
        '[aws.exports.china]\nregion = "cn-north-1"\nendpoint_url = "https://s3.example.com"\n'
    )
    runs = {run.export: run.build() for run in provider_runs(Aws, Sources({}, {}, ConfigFile.read(file)))}
    assert runs == {
        "one": Aws(bucket="bills", region="eu-west-1", profile="payer-one"),
        "two": Aws(bucket="bills-two", region="eu-west-1", role_arn="arn:aws:iam::1:role/r", requester_pays=True),
        "china": Aws(bucket="bills", region="cn-north-1", endpoint_url="https://s3.example.com"),
    }
