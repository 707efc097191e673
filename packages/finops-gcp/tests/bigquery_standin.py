"""Stand-ins for BigQuery on 127.0.0.1: its REST interface and its Storage Read API, as far as the importer uses them.

They are not Google's and were not compared with the service. Queries are run by DuckDB over Arrow tables, after the few
words that differ between the two dialects have been replaced; whatever else differs is not seen here.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
import urllib.parse
from concurrent import futures
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import duckdb
import pyarrow as pa


class Refusal(Exception):
    """An error answer of the service."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


@dataclass
class ExportTable:
    rows: pa.Table
    partition_field: str | None = None
    partitioned: bool = True
    view: bool = False
    bytes: int = 5_000_000

    @property
    def resource(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            "type": "VIEW" if self.view else "TABLE",
            "schema": {"fields": fields(self.rows.schema)},
        }
        if self.partitioned and not self.view:
            partition = {"type": "DAY"} | ({"field": self.partition_field} if self.partition_field else {})
            made["timePartitioning"] = partition
        return made


def fields(schema: pa.Schema) -> list[dict[str, Any]]:
    return [_field(item) for item in schema if item.name != "_PARTITIONTIME"]


def _field(item: pa.Field) -> dict[str, Any]:
    kind, mode = item.type, "NULLABLE"
    if pa.types.is_list(kind):
        kind, mode = kind.value_type, "REPEATED"
    made: dict[str, Any] = {"name": item.name, "mode": mode}
    if pa.types.is_struct(kind):
        inner = [_field(kind.field(i)) for i in range(kind.num_fields)]
        return {**made, "type": "RECORD", "fields": inner}
    names = {pa.types.is_timestamp: "TIMESTAMP", pa.types.is_floating: "FLOAT", pa.types.is_integer: "INTEGER"}
    names |= {pa.types.is_decimal: "NUMERIC", pa.types.is_boolean: "BOOLEAN"}
    return {**made, "type": next((name for test, name in names.items() if test(kind)), "STRING")}


def _cell(value: Any, item: dict[str, Any]) -> dict[str, Any]:
    if item["mode"] == "REPEATED":
        return {"v": [_cell(one, {**item, "mode": "NULLABLE"}) for one in value or []]}
    if value is None:
        return {"v": None}
    if item["type"] == "RECORD":
        return {"v": {"f": [_cell(value.get(inner["name"]), inner) for inner in item["fields"]]}}
    if isinstance(value, dt.datetime):
        since = value - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        return {"v": str(since // dt.timedelta(microseconds=1))}
    return {"v": f"{value:f}" if isinstance(value, Decimal) else str(value)}


@dataclass
class Service:
    """What both interfaces share: the tables by (project, dataset, table), the jobs, and how to misbehave."""

    tables: dict[tuple[str, str, str], ExportTable]
    refuse: list[Refusal] = field(default_factory=list)
    refuse_read: str = ""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    results: dict[str, pa.Table] = field(default_factory=dict)
    queries: list[tuple[str, dict[str, Any], bool]] = field(default_factory=list)
    read_sessions: list[str] = field(default_factory=list)

    def run(self, sql: str, parameters: dict[str, Any]) -> tuple[pa.Table, int]:
        scanned = 0
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("CREATE MACRO FORMAT_TIMESTAMP(form, moment) AS strftime(moment, form)")
            for (project, dataset, name), table in self.tables.items():
                if f"`{project}.{dataset}.{name}`" in sql:
                    connection.register("queried", table.rows)
                    sql = sql.replace(f"`{project}.{dataset}.{name}`", "queried")
                    scanned += table.bytes
            sql = re.sub(
                r"\bAS TIMESTAMP\)|\bTIMESTAMP '", lambda found: found[0].replace("TIMESTAMP", "TIMESTAMPTZ"), sql
            )
            used = {name: value for name, value in parameters.items() if f"@{name}" in sql}
            found = connection.sql(sql.replace("@", "$"), params=used).to_arrow_table()
        if "_PARTITIONTIME" in found.column_names:
            found = found.drop_columns(["_PARTITIONTIME"])
        return found, scanned


class RestStandIn(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, service: Service) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.service = service
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RestStandIn

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}"))

    def _answer(self, body: dict[str, Any]) -> None:
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        try:
            if self.server.service.refuse:
                raise self.server.service.refuse.pop(0)
            status, made = 200, self._route(parts.path.removeprefix("/bigquery/v2/projects/").split("/"), query, body)
        except (Refusal, duckdb.Error, LookupError, AttributeError, TypeError) as found:
            # What breaks here is an answer too: a dropped connection would be asked again for minutes.
            error = found if isinstance(found, Refusal) else Refusal(400, "invalidQuery", f"stand-in: {found!r}")
            what = {"code": error.status, "message": error.message}
            status, made = error.status, {"error": {**what, "errors": [{"reason": error.reason, **what}]}}
        text = json.dumps(made).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _route(self, path: list[str], query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        match path:
            case [project, "datasets", dataset, "tables"]:
                names = [key[2] for key in self.server.service.tables if key[:2] == (project, dataset)]
                if not names:
                    raise Refusal(404, "notFound", f"Not found: Dataset {project}:{dataset}")
                return {"tables": [{"tableReference": _reference(project, dataset, name)} for name in names]}
            case [project, "datasets", dataset, "tables", name]:
                if not (table := self.server.service.tables.get((project, dataset, name))):
                    raise Refusal(404, "notFound", f"Not found: Table {project}:{dataset}.{name}")
                return {"tableReference": _reference(project, dataset, name), **table.resource}
            case [project, "jobs"]:
                return self._insert(project, body)
            case [_, "jobs", job]:
                return self.server.service.jobs[job]
            case [_, "queries", job]:
                return self._results(job, query)
        raise Refusal(501, "notImplemented", self.path)

    def _insert(self, project: str, body: dict[str, Any]) -> dict[str, Any]:
        service, asked = self.server.service, body["configuration"]["query"]
        given = {
            item["name"]: _parameter(item["parameterType"]["type"], item["parameterValue"].get("value"))
            for item in asked.get("queryParameters", [])
        }
        dry = bool(body["configuration"].get("dryRun"))
        found, scanned = service.run(asked["query"], given)
        service.queries.append((asked["query"], given, dry))
        cap = asked.get("maximumBytesBilled")
        if cap is not None and scanned > int(cap):
            raise Refusal(
                400,
                "bytesBilledLimitExceeded",
                f"Query exceeded limit for bytes billed: {cap}. {scanned} or higher required.",
            )
        name = body["jobReference"]["jobId"]
        target = _reference(project, "_results", f"anon{name.replace('-', '')}")
        job = {
            "jobReference": {"projectId": project, "jobId": name, "location": "EU"},
            "configuration": {**body["configuration"], "query": {**asked, "destinationTable": target}},
            "status": {"state": "DONE"},
            "statistics": {
                "totalBytesProcessed": str(scanned),
                "query": {"totalBytesProcessed": str(scanned), "statementType": "SELECT"},
            },
        }
        if not dry:
            service.jobs[name] = job
            service.results[name] = service.results[target["tableId"]] = found
        return job

    def _results(self, name: str, query: dict[str, str]) -> dict[str, Any]:
        table = self.server.service.results[name]
        schema = fields(table.schema)
        start = int(query.get("pageToken") or query.get("startIndex") or 0)
        size = int(query["maxResults"]) if query.get("maxResults") else 1000
        page = table.slice(start, size).to_pylist()
        more: dict[str, Any] = {"pageToken": str(start + size)} if size and start + size < table.num_rows else {}
        if size:  # An empty page without a token would mean that there are no rows.
            more["rows"] = [{"f": [_cell(item[inner["name"]], inner) for inner in schema]} for item in page]
        return {
            "jobComplete": True,
            "jobReference": self.server.service.jobs[name]["jobReference"],
            "schema": {"fields": schema},
            "totalRows": str(table.num_rows),
            **more,
        }


def _reference(project: str, dataset: str, name: str) -> dict[str, str]:
    return {"projectId": project, "datasetId": dataset, "tableId": name}


def _parameter(kind: str, text: str | None) -> Any:
    return dt.datetime.fromisoformat(text) if kind == "TIMESTAMP" and text else text


class ReadStandIn:
    """The Storage Read API over plain gRPC: one stream per session, Arrow only."""

    SERVICE = "google.cloud.bigquery.storage.v1.BigQueryRead"

    def __init__(self, service: Service) -> None:
        import grpc
        from google.cloud.bigquery_storage_v1 import types

        self._service, self._types = service, types
        self._streams: dict[str, pa.Table] = {}

        def text(message: Any) -> bytes:
            return bytes(type(message).pb(message).SerializeToString())

        handlers = {
            "CreateReadSession": grpc.unary_unary_rpc_method_handler(
                self._create, types.CreateReadSessionRequest.deserialize, text
            ),
            "ReadRows": grpc.unary_stream_rpc_method_handler(self._rows, types.ReadRowsRequest.deserialize, text),
        }
        self._server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.max_send_message_length", -1)])
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(self.SERVICE, handlers)])
        self.url = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(0).wait()

    def _create(self, request: Any, context: Any) -> Any:
        import grpc

        if self._service.refuse_read:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, self._service.refuse_read)
        table = self._service.results[request.read_session.table.rpartition("/")[2]]
        stream = f"projects/p/locations/eu/sessions/{len(self._streams)}/streams/0"
        self._streams[stream] = table
        self._service.read_sessions.append(request.read_session.table)
        types = self._types
        return types.ReadSession(
            name=stream.removesuffix("/streams/0"),
            data_format=types.DataFormat.ARROW,
            arrow_schema=types.ArrowSchema(serialized_schema=table.schema.serialize().to_pybytes()),
            streams=[types.ReadStream(name=stream)],
        )

    def _rows(self, request: Any, context: Any) -> Any:
        types, table = self._types, self._streams[request.read_stream]
        schema = types.ArrowSchema(serialized_schema=table.schema.serialize().to_pybytes())
        for number, batch in enumerate(table.slice(request.offset).to_batches(max_chunksize=1000)):
            answer = types.ReadRowsResponse(
                row_count=batch.num_rows,
                arrow_record_batch=types.ArrowRecordBatch(
                    serialized_record_batch=batch.serialize().to_pybytes(), row_count=batch.num_rows
                ),
            )
            if number == 0:
                answer.arrow_schema = schema
            yield answer
