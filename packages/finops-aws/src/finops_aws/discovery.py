"""From an export's folders to its deliveries: choose the export, read its manifests, say what each delivers."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from finops_core import Delivery, Period, SourceFile, Window
from finops_core.delivery import Format
from finops_core.errors import ConfigError, DataMissing, DeliveryError, DeliveryReplaced
from finops_core.store import StoredObject

from finops_aws.bucket import Bucket, level
from finops_aws.exports import Export, find, in_parallel, manifest_of
from finops_aws.manifests import LARGEST, Manifest, NotABill, parse, rebased

FAMILIES = {"v1": "cur-v1", "v2": "cur-v2", "focus": "focus-"}
"""aws.cur_version -> how the names of its datasets begin."""

MOST_FOLDERS = 8
"""Folders of one delivery that are listed for the sizes of its files. AWS writes one."""

SETTLED = dt.timedelta(hours=1)
"""AWS writes the manifest last. Files newer than it mean that the next delivery is being written, unless they have
been so for longer than any delivery takes: then somebody copied the files."""

SLACK = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class Wanted:
    """Which export, and which bills of it: the provider's settings."""

    prefix: str = ""
    export_name: str = ""
    cur_version: str = "auto"
    export_format: str = "auto"

    def refuses(self, dataset: str, form: str) -> str:
        """Why a bill is not the one that was asked for; "" when it is."""
        if self.cur_version != "auto" and not dataset.startswith(FAMILIES[self.cur_version]):
            return f"this is {dataset}, but cur_version asks for {self.cur_version}"
        if self.export_format not in ("auto", form):
            return f"this is {form}, but export_format asks for {self.export_format}"
        return ""


def discover(bucket: Bucket, wanted: Wanted, window: Window) -> list[Delivery]:
    """The newest delivery of each period. Raises ConfigError (several exports fit), DataMissing (none does)."""
    export = choose(bucket, wanted)
    periods = [period for period in export.periods if period in window]
    if not periods:
        raise DataMissing(
            f"{export} has no delivery from {window}",
            where=bucket.url,
            hint=f"it has {export.periods[0]} to {export.periods[-1]}",
        )
    found = in_parallel(lambda period: _of_period(bucket, export, period, wanted), periods)
    return [delivery for delivery in found if delivery]


def choose(bucket: Bucket, wanted: Wanted) -> Export:
    """The one export that fits the settings."""
    for setting, value in (("aws.prefix", wanted.prefix), ("aws.export_name", wanted.export_name)):
        if ".." in value.split("/") or "\x00" in value:
            raise ConfigError(f"{value!r} leaves the bucket", where=setting, hint="name a folder in the bucket")
    search = find(bucket, wanted.prefix, wanted.export_name)
    exports = list(search.exports)
    if len(exports) > 1:
        bills = zip(exports, in_parallel(lambda export: _newest(bucket, export, wanted), exports), strict=True)
        exports = [export for export, bill in bills if bill and "unfit" not in bill.details]
    if len(exports) == 1:
        return exports[0]
    where = f"{bucket.url}/{wanted.prefix.strip('/')}"
    if exports:
        raise ConfigError(
            f"{len(exports)} exports fit: {', '.join(str(export) for export in exports)}",
            where=where,
            hint="choose one with aws.export_name, aws.prefix or aws.cur_version; several at once: [aws.exports.NAME]",
        )
    what = f"no export {wanted.export_name!r}" if wanted.export_name else "no export"
    if wanted.cur_version != "auto":
        what += f" of CUR version {wanted.cur_version}"
    raise DataMissing(
        f"{what} was found",
        where=where,
        hint=f"seen there: {', '.join(search.seen) or 'nothing'}; check aws.bucket, aws.prefix and aws.export_name",
    )


def still_current(bucket: Bucket, delivery: Delivery) -> bool:
    """Whether the manifest still says what it said when the delivery was discovered.

    Files in a folder of their own version never change; everything else is overwritten in place.
    """
    if delivery.details.get("layout") == "create-new":
        return True
    now = bucket.stat(delivery.manifest)
    if now is None:
        return False
    if now.etag == delivery.details.get("manifest_etag"):
        return True
    try:
        manifest = parse(bucket.read(delivery.manifest))
    except (DeliveryError, DataMissing):
        return False
    return bool(manifest.version) and manifest.version == delivery.version


def refuse_unsettled(delivery: Delivery, now: dt.datetime) -> None:
    """Raises DeliveryReplaced while AWS is overwriting the delivery's files."""
    newest = delivery.details.get("files_newer_than_manifest")
    if newest and now - dt.datetime.fromisoformat(newest) < SETTLED:
        raise DeliveryReplaced(
            "AWS is delivering this period anew right now", where=delivery.manifest, hint="run again in an hour"
        )


def _newest(bucket: Bucket, export: Export, wanted: Wanted) -> Delivery | None:
    """The export's newest delivery; None when it has no manifest at all."""
    for period in reversed(export.periods):
        if delivery := _of_period(bucket, export, period, wanted, sizes=False):
            return delivery
    return None


def _of_period(bucket: Bucket, export: Export, period: Period, wanted: Wanted, sizes: bool = True) -> Delivery | None:
    """What is delivered for a period. None: nothing yet, its first delivery may be under way."""
    looks = [manifest_of(bucket, folder, export.name) for month, folder in export.folders if month == period]
    manifests = sorted((item for item, _ in looks if item), key=lambda item: (item.modified, item.key))
    remarks = [remark for item, remark in looks if remark and bool(item) == bool(manifests)]
    if not manifests:
        lost = bool(remarks) and period != export.periods[-1]
        folder = next(folder for month, folder in export.folders if month == period)
        return _failed(export, period, folder, "; ".join(remarks)) if lost else None
    stored = manifests[-1]
    if stored.size > LARGEST:
        return _failed(export, period, stored.key, f"the manifest has {stored.size:,} bytes", stored.modified)
    remarks += [f"older manifest left aside: {item.key}" for item in manifests[:-1]]
    try:
        delivery = describe(export, period, stored, bucket.read(stored.key), wanted, _name_in_s3(bucket))
    except (DeliveryError, DataMissing) as error:
        return _failed(export, period, stored.key, str(error), stored.modified)
    delivery = replace(delivery, notes=tuple(remarks))
    return _with_sizes(bucket, export, delivery) if sizes and not delivery.problem else delivery


def describe(
    export: Export, period: Period, stored: StoredObject, content: bytes, wanted: Wanted, bucket: str = ""
) -> Delivery:
    """A manifest as a delivery. Pure; what is wrong with the manifest becomes the delivery's `problem`.

    `bucket` is the name of ours, "" for a directory: a manifest written for another one is remarked upon.
    """
    try:
        manifest = parse(content)
        if manifest.period not in (None, period):
            raise DeliveryError(f"the manifest is of {manifest.period}, but lies in the folder of {period}")
        keys = [rebased(named.key, export.root, export.name) for named in manifest.files]
        if len(set(keys)) < len(keys):
            raise DeliveryError("the manifest names files of several exports")
    except DeliveryError as error:
        failed = _failed(export, period, stored.key, str(error), stored.modified)
        if not isinstance(error, NotABill):
            return failed
        return replace(failed, hint="choose the export of a bill with aws.export_name", details={"unfit": "no bill"})
    dataset = manifest.dataset or _default_dataset(export, wanted)
    form = manifest.format or _default_format(wanted)
    version = manifest.version or _version_of(stored, content)
    refused = wanted.refuses(dataset, form)
    return Delivery(
        provider="aws",
        export=export.name,
        period=period,
        version=version,
        dataset=dataset,
        format=form,
        files=tuple(SourceFile(key, named.size) for key, named in zip(keys, manifest.files, strict=True)),
        columns=manifest.columns,
        modified=stored.modified,
        manifest=stored.key,
        problem=refused,
        hint="leave the setting at auto, or choose another export with aws.export_name" if refused else "",
        details=_details(manifest, stored, version, keys, bucket) | ({"unfit": refused} if refused else {}),
    )


def _details(
    manifest: Manifest, stored: StoredObject, version: str, keys: Iterable[str], bucket: str
) -> dict[str, str]:
    own_folder = bool(manifest.files) and all(_in_own_folder(key, version) for key in keys)
    elsewhere = sorted(manifest.origins - {bucket}) if bucket else []
    return {
        "layout": "create-new" if own_folder else "overwrite",
        "manifest_etag": stored.etag,
        **({"written_for_bucket": ", ".join(elsewhere)} if elsewhere else {}),
        **manifest.facts,
    }


def _in_own_folder(key: str, version: str) -> bool:
    """`…/<assemblyId>/R-1.csv.gz`, `…/<timestamp>-<executionId>/E-00001.csv.gz`."""
    return any(part == version or part.endswith(f"-{version}") for part in key.split("/")[:-1] if "=" not in part)


def _with_sizes(bucket: Bucket, export: Export, delivery: Delivery) -> Delivery:
    """The files' sizes and ETags, from a listing of the folder that holds them."""
    slash = "/" if export.root.startswith("/") else ""
    folders = sorted({file.key.rpartition("/")[0] for file in delivery.files})
    if not folders or len(folders) > MOST_FOLDERS:
        return delivery
    names = [f"{slash}{folder}/" if folder else slash for folder in folders]
    listed = {item.key.removeprefix("/"): item for name in names for item in level(bucket, name).objects}
    present = [listed[file.key] for file in delivery.files if file.key in listed]
    missing = len(delivery.files) - len(present)
    absent = (f"{missing} of {len(delivery.files)} files are not there",) if missing else ()
    newest = max((item.modified for item in present), default=None)
    ours = _name_in_s3(bucket) and "written_for_bucket" not in delivery.details
    if (
        ours
        and delivery.details["layout"] == "overwrite"
        and newest
        and delivery.modified
        and newest > delivery.modified + SLACK
    ):
        delivery.details["files_newer_than_manifest"] = newest.isoformat()
    remote = bool(_name_in_s3(bucket))
    files = tuple(_sized(file, listed.get(file.key), remote) for file in delivery.files)
    return replace(delivery, files=files, notes=delivery.notes + absent)


def _name_in_s3(bucket: Bucket) -> str:
    """ "" for a directory, whose times and names are those of a copy."""
    return bucket.url.removeprefix("s3://") if bucket.url.startswith("s3://") else ""


def _sized(file: SourceFile, listed: StoredObject | None, remote: bool) -> SourceFile:
    """A size that the manifest promises stays: the listing may be what is wrong."""
    if listed is None:
        return file
    size = listed.size if file.size is None else file.size
    return replace(file, size=size, checksum=f"etag:{listed.etag}" if remote else None)


def _failed(export: Export, period: Period, key: str, problem: str, modified: dt.datetime | None = None) -> Delivery:
    dataset = "cur-v1" if export.kind == "report" else "cur-v2"
    return Delivery(
        "aws", export.name, period, "", dataset, "csv", (), modified=modified, manifest=key, problem=problem
    )


def _default_dataset(export: Export, wanted: Wanted) -> str:
    """For a manifest that lists no columns."""
    if export.kind == "report":
        return "cur-v1"
    return "focus-1.2" if wanted.cur_version == "focus" else "cur-v2"


def _default_format(wanted: Wanted) -> Format:
    """For a manifest without files that does not say: there is nothing to read either way."""
    return "parquet" if wanted.export_format == "parquet" else "csv"


def _version_of(stored: StoredObject, content: bytes) -> str:
    """For a manifest that has no version: its content and when it was written."""
    return f"{hashlib.sha256(content).hexdigest()[:16]}-{stored.modified:%Y%m%dT%H%M%SZ}"
