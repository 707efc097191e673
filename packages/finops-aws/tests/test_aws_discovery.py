"""Which deliveries are found in buckets as they really look: both stores, every layout."""

from __future__ import annotations

import dataclasses
import json
import os

import pytest
from finops_aws.provider import Aws
from finops_core import Period, Window
from finops_core.errors import AccessError, ConfigError, DataMissing
from finops_core.store import directory_of

JANUARY, FEBRUARY = Period(2025, 1), Period(2025, 2)
ALL = Window()


def only(provider: Aws, window: Window = ALL):
    (delivery,) = provider.discover(window)
    return delivery


def keys(delivery) -> list[str]:
    return [file.key for file in delivery.files]


def backdate(provider: Aws, key: str) -> None:
    folder = directory_of(provider.bucket)
    assert folder is not None
    os.utime(folder / key, (1_700_000_000, 1_700_000_000))


@pytest.mark.parametrize("layout", ["create-new", "overwrite", "athena", "athena-2018"])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_report_layouts(lay, tree, layout, form):
    manifest = tree.report("exports/acme-cur", "202501", layout=layout, form=form)
    delivery = only(lay(tree))
    assert (delivery.provider, delivery.export, delivery.period) == ("aws", "acme-cur", JANUARY)
    assert (delivery.dataset, delivery.format, delivery.version) == ("cur-v1", form, "a1")
    assert keys(delivery) == manifest["reportKeys"]
    assert [file.size for file in delivery.files] == [len(tree[key]) for key in keys(delivery)]
    assert delivery.details["layout"] == ("create-new" if layout == "create-new" else "overwrite")
    assert delivery.problem == "" and delivery.modified is not None


@pytest.mark.parametrize("layout", ["create-new", "overwrite"])
@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("partition", ["BILLING_PERIOD", "billing_period"])
def test_data_export_layouts(lay, tree, layout, form, partition):
    manifest = tree.export("acme", "202501", layout=layout, form=form, partition=partition)
    delivery = only(lay(tree))
    assert (delivery.export, delivery.period, delivery.version) == ("acme", JANUARY, "e1")
    assert (delivery.dataset, delivery.format) == ("cur-v2", form)
    assert [f"s3://acme-billing/{key}" for key in keys(delivery)] == manifest["dataFiles"]
    assert delivery.bytes == sum(len(tree[key]) for key in keys(delivery))
    assert delivery.details["layout"] == layout


def test_report_columns_by_their_names_in_the_files(here, tree):
    tree.report("acme-cur", "202501")
    tree.report("acme-cur", "202502", form="parquet")
    january, february = (dict(delivery.columns) for delivery in here(tree).discover(ALL))
    assert january["lineItem/UnblendedCost"] == february["line_item_unblended_cost"] == "BigDecimal"


FOCUS_1_2 = [{"name": name} for name in ("BilledCost", "ChargePeriodStart", "InvoiceId")]
FOCUS_1_0 = [{"name": name} for name in ("BilledCost", "ChargePeriodStart", "x_UsageType")]


@pytest.mark.parametrize(
    ("dataset", "changes"),
    [
        ("focus-1.2", {"columns": FOCUS_1_2}),
        ("focus-1.0", {"columns": FOCUS_1_0}),
        ("focus-1.0", {"columns": ..., "queryStatement": "SELECT BilledCost FROM FOCUS_1_0_AWS"}),
        ("focus-1.2", {"columns": [{"name": "BilledCost"}], "query": "SELECT BilledCost FROM focus_1_2_aws"}),
        ("cur-v2", {"columns": ...}),
    ],
)
def test_data_exports_are_told_apart(here, tree, dataset, changes):
    tree.export("acme", "202501", partition="billing_period", **changes)
    assert only(here(tree)).dataset == dataset


def test_only_the_newest_assembly_counts(lay, tree):
    tree.report("acme-cur", "202501", "old", files=3)
    tree.report("acme-cur", "202501", "new", files=2)
    delivery = only(lay(tree))
    assert delivery.version == "new"
    assert all("/new/" in key for key in keys(delivery)) and len(delivery.files) == 2


def test_stale_chunks_status_files_and_sidecars_are_not_read(lay, tree):
    tree.report("p/acme-cur", "202501", layout="athena", form="parquet", files=1)
    tree["p/acme-cur/acme-cur/year=2025/month=1/acme-cur-2.snappy.parquet"] = b"stale"
    tree["p/acme-cur/acme-cur/cost_and_usage_data_status/cost_and_usage_data_status.parquet"] = b"status"
    tree["p/acme-cur/20250101-20250201/acme-cur-RedshiftManifest.json"] = b"{"
    tree["p/acme-cur/20250101-20250201/acme-cur-QuickSightManifest.json"] = b"{"
    tree["p/acme-cur/20250101-20250201/crawler-cfn.yml"] = b"x"
    tree["aws-programmatic-access-test-object"] = b""
    assert keys(only(lay(tree))) == ["p/acme-cur/acme-cur/year=2025/month=1/acme-cur-1.snappy.parquet"]


def test_metadata_json_and_emptied_chunks_of_data_exports_are_not_read(lay, tree):
    tree.export("acme", "202501", files=1)
    tree["acme/metadata/BILLING_PERIOD=2025-01/acme-Metadata.json"] = b"{}"
    tree["acme/data/BILLING_PERIOD=2025-01/acme-00002.snappy.parquet"] = b""
    assert len(only(lay(tree)).files) == 1


@pytest.mark.parametrize(
    "prefix", ["exports/team", "/exports/team", "exports/team/", "/exports/team/", "exports", "", "/"]
)
@pytest.mark.parametrize("name", ["", "acme-cur"])
def test_prefix_with_and_without_slashes(here, tree, prefix, name):
    tree.report("exports/team/acme-cur", "202501")
    assert only(here(tree, prefix=prefix, export_name=name)).export == "acme-cur"


@pytest.mark.parametrize("layout", ["create-new", "athena"])
@pytest.mark.parametrize("name", ["", "acme-cur"])
def test_prefix_may_be_the_exports_own_folder(lay, tree, name, layout):
    tree.report("exports/acme-cur", "202501", layout=layout)
    assert only(lay(tree, prefix="exports/acme-cur", export_name=name)).export == "acme-cur"


def test_names_that_are_prefixes_of_one_another(here, tree):
    for name in ("cur", "cur-daily", "cur-daily-2"):
        tree.report(f"x/{name}", "202501", f"of-{name}")
    for name in ("cur", "cur-daily"):
        assert only(here(tree, prefix="x", export_name=name)).version == f"of-{name}"


def test_a_report_whose_prefix_is_another_reports_folder(here, tree):
    tree.report("cur", "202501", "outer")
    tree.report("cur/daily", "202501", "inner")
    assert only(here(tree, export_name="daily")).version == "inner"
    assert only(here(tree, export_name="cur")).version == "outer"


def test_several_exports_are_listed_and_none_is_taken(here, tree):
    tree.report("x/cur", "202501")
    tree.export("x/cur2", "202501")
    with pytest.raises(ConfigError) as caught:
        here(tree).discover(ALL)
    assert "cur (report in x/cur/)" in caught.value.what and "cur2 (data export in x/cur2/)" in caught.value.what
    assert "export_name" in caught.value.hint


def test_the_version_chooses_among_several_exports(here, tree):
    tree.report("x/cur", "202501")
    tree.export("x/cur2", "202501")
    tree.export("x/focus", "202501", columns=FOCUS_1_2)
    provider = here(tree)
    for version, export in (("v1", "cur"), ("v2", "cur2"), ("focus", "focus")):
        assert only(dataclasses.replace(provider, cur_version=version)).export == export
    assert only(dataclasses.replace(provider, export_format="csv")).export == "cur"


def test_one_name_for_a_report_and_a_data_export(here, tree):
    tree.report("x/cur", "202501")
    tree.export("x/cur", "202501")
    with pytest.raises(ConfigError, match="2 exports fit"):
        here(tree, export_name="cur").discover(ALL)
    assert only(here(tree, export_name="cur", cur_version="v2")).dataset == "cur-v2"


def test_recommendations_and_carbon_are_no_bills(here, tree):
    tree.report("x/cur", "202501")
    tree["x/coh/metadata/DATE=2025-01-03/coh-Manifest.json"] = b"{}"
    tree["x/carbon/metadata/usage_period=2025-01/carbon-Manifest.json"] = b"{}"
    tree.export("x/own", "202501", columns=[{"name": "recommendation_id"}])
    assert only(here(tree)).export == "cur"


def test_a_bill_of_another_version_is_refused_in_plain_words(here, tree):
    tree.report("cur", "202501")
    assert only(here(tree, cur_version="v2")).problem == "this is cur-v1, but cur_version asks for v2"
    assert only(here(tree, export_format="parquet")).problem == "this is csv, but export_format asks for parquet"


def test_nothing_found_says_what_was_seen(lay, tree):
    tree["backups/db.dump"] = b""
    tree["aws-programmatic-access-test-object"] = b""
    with pytest.raises(DataMissing) as caught:
        lay(tree).discover(ALL)
    assert "backups/" in caught.value.hint and "aws-programmatic-access-test-object" in caught.value.hint


def test_a_wrong_name_says_which_there_are(here, tree):
    tree.report("x/acme-cur", "202501")
    with pytest.raises(DataMissing) as caught:
        here(tree, export_name="acme_cur").discover(ALL)
    assert "acme-cur (report in x/acme-cur/)" in caught.value.hint


def test_a_wrong_prefix_finds_nothing(lay, tree):
    tree.report("x/acme-cur", "202501")
    with pytest.raises(DataMissing, match="no export"):
        lay(tree, prefix="x/acme").discover(ALL)


def test_window_is_inclusive_and_says_what_there_is(lay, tree):
    for month in ("202411", "202412", "202501", "202502"):
        tree.report("cur", month, f"of-{month}")
    provider = lay(tree)
    found = provider.discover(Window(Period(2024, 12), JANUARY))
    assert [delivery.version for delivery in found] == ["of-202412", "of-202501"]
    with pytest.raises(DataMissing) as caught:
        provider.discover(Window(Period(2025, 3), None))
    assert caught.value.hint == "it has 2024-11 to 2025-02"


@pytest.mark.parametrize("folder", ["20250101-20250201", "20250101-20250131"])
def test_period_folders_end_on_either_day(lay, tree, folder):
    tree.report("cur", "202501", billingPeriod=...)
    moved = {key.replace("20250101-20250201", folder): content for key, content in tree.items()}
    text = {key: content.replace(b"20250101-20250201", folder.encode()) for key, content in moved.items()}
    delivery = only(lay(text))
    assert delivery.period == JANUARY and delivery.bytes is not None


def test_of_two_folders_of_one_month_the_newer_manifest_counts(here, tree):
    tree.export("acme", "202501", "upper", partition="BILLING_PERIOD")
    tree.export("acme", "202501", "lower", partition="billing_period")
    provider = here(tree)
    backdate(provider, "acme/metadata/BILLING_PERIOD=2025-01/acme-Manifest.json")
    delivery = only(provider)
    assert delivery.version == "lower"
    assert "BILLING_PERIOD=2025-01/acme-Manifest.json" in delivery.notes[0]


def test_a_replica_is_read_from_our_bucket(there, tree):
    tree.export("acme", "202501", dataFiles=["s3://origin/acme/data/BILLING_PERIOD=2025-01/acme-00001.snappy.parquet"])
    delivery = only(there(tree))
    assert keys(delivery) == ["acme/data/BILLING_PERIOD=2025-01/acme-00001.snappy.parquet"]
    assert delivery.bytes and delivery.details["written_for_bucket"] == "origin"


def test_the_bucket_of_a_report_may_be_another(there, tree):
    tree.report("cur", "202501", bucket="origin")
    delivery = only(there(tree))
    assert delivery.problem == "" and delivery.bytes
    assert delivery.details["written_for_bucket"] == "origin"


@pytest.mark.parametrize("kind", ["report", "athena", "export"])
def test_a_copy_under_another_prefix(lay, tree, kind):
    if kind == "export":
        tree.export("old/place/acme", "202501")
    else:
        tree.report("old/place/acme", "202501", layout="athena" if kind == "athena" else "create-new")
    copy = {key.replace("old/place/", "replica/2/", 1): content for key, content in tree.items()}
    delivery = only(lay(copy))
    assert all(key.startswith("replica/2/acme/") for key in keys(delivery))
    assert delivery.bytes == sum(len(copy[key]) for key in keys(delivery))


def test_the_exports_folder_alone_may_be_the_top(lay, tree):
    tree.report("exports/acme", "202501")
    copy = {key.removeprefix("exports/acme/"): content for key, content in tree.items()}
    delivery = only(lay(copy))
    assert delivery.export == "acme"
    assert delivery.bytes == sum(len(copy[key]) for key in keys(delivery))


@pytest.mark.parametrize("form", ["/exports/cur/", "exports/cur/"])
def test_keys_with_a_leading_slash(lay, tree, form):
    manifest = tree.report("exports/cur", "202501")
    tree.report("exports/cur", "202501", reportKeys=[f"/{key}" for key in manifest["reportKeys"]])
    delivery = only(lay(tree))
    assert keys(delivery) == manifest["reportKeys"] and delivery.bytes


def test_data_files_may_be_objects(here, tree):
    manifest = tree.export("acme", "202501", files=1)
    tree.export("acme", "202501", files=1, dataFiles=[{"s3Uri": manifest["dataFiles"][0], "size": 7}])
    delivery = only(here(tree))
    assert [(file.key, file.size) for file in delivery.files] == [
        ("acme/data/BILLING_PERIOD=2025-01/acme-00001.snappy.parquet", 7)
    ]


@pytest.mark.parametrize("empty", [None, []])
def test_a_manifest_without_files_is_an_empty_delivery(here, tree, empty):
    tree.report("cur", "202501", reportKeys=empty)
    delivery = only(here(tree))
    assert (delivery.files, delivery.problem, delivery.version, delivery.bytes) == ((), "", "a1", 0)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b'{"assemblyId": "a1"', "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "no list of files"),
        (b'{"reportKeys": "a.csv"}', "not a list"),
        (b'{"reportKeys": [null]}', "no key"),
        (b'{"reportKeys": ["../../etc/passwd"]}', "outside the bucket"),
        (b'{"reportKeys": ["cur/../../x.csv"]}', "outside the bucket"),
        (b'{"reportKeys": ["//etc/passwd"]}', "outside the bucket"),
        (b'{"reportKeys": ["file:///etc/passwd"]}', "outside the bucket"),
        (b'{"reportKeys": ["cur\\\\x.csv"]}', "outside the bucket"),
        (b'{"reportKeys": ["cur/x\\u0000.csv"]}', "outside the bucket"),
        (b'{"reportKeys": ["cur/x\\ud800.csv"]}', "outside the bucket"),
        (b'{"reportKeys": ["a.csv", "b.csv", "a.csv"]}', "twice"),
        (b'{"reportKeys": ["a.csv.gz", "b.parquet"]}', "CSV and Parquet"),
        (b'{"reportKeys": ["a.csv"], "billingPeriod": {"start": "20250201T000000.000Z"}}', "is of 2025-02"),
        (b'{"reportKeys": ["a.csv"], "columns": [{"name": "recommendation_id"}]}', "not the columns of a bill"),
    ],
)
def test_a_bad_manifest_is_a_problem_of_its_period_alone(here, tree, content, problem):
    tree.report("cur", "202501")
    tree.report("cur", "202502")
    tree["cur/20250101-20250201/cur-Manifest.json"] = content
    january, february = here(tree).discover(ALL)
    assert (january.period, february.period) == (JANUARY, FEBRUARY)
    assert problem in january.problem and january.files == ()
    assert january.manifest == "cur/20250101-20250201/cur-Manifest.json"
    assert february.problem == "" and len(february.files) == 2


def test_a_report_created_again_under_its_name_keeps_its_older_months(here, tree):
    tree.report("cur", "202501", "of-the-first", reportId="first")
    tree.report("cur", "202502", "of-the-first", reportId="first")
    tree.report("cur", "202502", "of-the-second", reportId="second")
    found = here(tree).discover(ALL)
    assert [(delivery.version, delivery.details["report_id"]) for delivery in found] == [
        ("of-the-first", "first"),
        ("of-the-second", "second"),
    ]


def test_a_report_whose_format_changed_between_months(here, tree):
    tree.report("cur", "202501", form="csv")
    tree.report("cur", "202502", form="parquet", layout="athena")
    assert [delivery.format for delivery in here(tree).discover(ALL)] == ["csv", "parquet"]


def test_a_byte_order_mark_before_a_manifest_is_fine(here, tree):
    manifest = tree.report("cur", "202501")
    tree["cur/20250101-20250201/cur-Manifest.json"] = b"\xef\xbb\xbf" + json.dumps(manifest).encode()
    assert only(here(tree)).version == "a1"


def test_a_manifest_without_a_version_changes_with_its_content(lay, tree):
    manifest = tree.export("acme", "202501", executionId=..., files=1)
    provider = lay(tree)
    first, again = only(provider), only(provider)
    assert first.version == again.version != ""
    tree.export("acme", "202501", executionId=..., files=1, createdAt="later")
    lay(tree)
    assert only(provider).version != first.version
    assert keys(first) == [manifest["dataFiles"][0].removeprefix("s3://acme-billing/")]


def test_a_month_whose_first_delivery_is_under_way_is_left_for_later(lay, tree):
    tree.report("cur", "202501")
    tree["cur/20250201-20250301/a1/cur-1.csv.gz"] = b"x"
    assert only(lay(tree)).period == JANUARY


def test_an_older_month_without_its_manifest_is_a_problem(lay, tree):
    tree.report("cur", "202502")
    tree["cur/20250101-20250201/cur-1.csv.gz"] = b"x"
    january, february = lay(tree).discover(ALL)
    assert "has no manifest" in january.problem and february.problem == ""


def test_the_newest_frozen_copy_stands_in_for_a_lost_manifest(here, tree):
    tree.report("cur", "202501", "x-old")
    tree.report("cur", "202501", "a-new")
    del tree["cur/20250101-20250201/cur-Manifest.json"]
    provider = here(tree)
    backdate(provider, "cur/20250101-20250201/x-old/cur-Manifest.json")
    delivery = only(provider)
    assert delivery.version == "a-new" and "copy" in delivery.notes[0]


def test_missing_files_are_noted_and_have_no_size(lay, tree):
    manifest = tree.report("cur", "202501")
    del tree[manifest["reportKeys"][0]]
    delivery = only(lay(tree))
    assert delivery.bytes is None and delivery.problem == ""
    assert delivery.notes == ("1 of 2 files are not there",)


def test_a_foreign_dated_tree_is_no_export_beside_a_real_one(lay, tree):
    tree["logs/20250101-20250131/x.log"] = b""
    tree["lake/events/year=2025/month=1/part-0.parquet"] = b""
    tree.report("x/cur", "202501")
    assert only(lay(tree)).export == "cur"


@pytest.mark.parametrize("name", ["it's", 'quo"te', "dots.and spaces", "select", "kosten-ü", "部署", "a+b%20"])
def test_odd_export_names(lay, tree, name):
    tree.report(f"x/{name}", "202501")
    delivery = only(lay(tree))
    assert delivery.export == name and delivery.bytes


@pytest.mark.parametrize("bucket", ["acme/exports", "s3://acme/exports", "", "s3://"])
def test_what_is_no_bucket_is_refused(bucket):
    with pytest.raises(ConfigError):
        Aws(bucket=bucket).discover(ALL)


@pytest.mark.parametrize("setting", ["prefix", "export_name"])
@pytest.mark.parametrize("value", ["..", "a/../b", "../x"])
def test_settings_that_leave_the_bucket_are_refused(here, tree, setting, value):
    tree.report("cur", "202501")
    with pytest.raises(ConfigError, match="leaves the bucket"):
        here(tree, **{setting: value}).discover(ALL)


def test_a_directory_that_may_not_be_read(here, tree, monkeypatch):
    tree.report("cur", "202501")
    provider = here(tree)

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.iterdir", refuse)
    with pytest.raises(AccessError, match="may not be read"):
        provider.discover(ALL)


def test_a_directory_that_is_not_there(tmp_path):
    with pytest.raises(DataMissing, match="no such directory"):
        Aws(bucket=(tmp_path / "none").as_uri()).discover(ALL)
