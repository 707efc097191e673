"""Take nested columns apart: structs into their fields, lists kept whole as JSON text. Rows never multiply.

Found("service", "STRUCT(id VARCHAR, description VARCHAR)", "c1")  ->  service.id, service.description
Found("credits", "STRUCT(name VARCHAR, amount DOUBLE)[]", "c7")    ->  credits (JSON)
Found("sku", "JSON", "c9")                                         ->  sku.id, sku.description, sku.* (the rest)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from finops_core import Found

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType


@dataclass(frozen=True)
class Leaf:
    """A value of a row that is no struct. `path` is its dotted name in the export, `sql` yields it, as `type`.

    `type` is a DuckDB type, `TEXT` for text whose meaning only the dictionary knows (CSV, JSON), or `JSON`.
    `json` yields a value of a JSON file as JSON text, for fields that the dictionary knows to be repeated.
    """

    path: str
    sql: str
    type: str
    json: str = ""


def leaves(found: Found, known: Mapping[str, tuple[str, ...]]) -> Iterator[Leaf]:
    """The leaves of one column of a file. `known`: fields of each struct, for JSON, where nobody declares them."""
    if found.type == "JSON":
        yield from _of_json(found, known)
    elif found.type == "VARCHAR":
        yield Leaf(found.name, found.ref, "TEXT")
    else:
        import duckdb

        yield from _of_type(found.name, found.ref, duckdb.type(found.type))


def _of_type(path: str, sql: str, kind: DuckDBPyType) -> Iterator[Leaf]:
    if kind.id == "struct":
        if (element := _bare_list(kind)) is not None:
            inner = f"list_transform(struct_extract({sql}, 'list'), lambda x: struct_extract(x, {_text(element[0])}))"
            yield Leaf(path, f"CAST({inner} AS {exact_text(element[1])}[])", "JSON")
            return
        for name, child in _children(kind):
            yield from _of_type(f"{path}.{name}", f"struct_extract({sql}, {_text(name)})", child)
    elif kind.id in ("list", "array", "map"):
        yield Leaf(path, f"CAST({sql} AS {exact_text(kind)})", "JSON")
    else:
        yield Leaf(path, sql, str(kind))


def exact_text(kind: DuckDBPyType) -> str:
    """The type with every DECIMAL in it as text: as a JSON number it would lose digits beyond the 17th."""
    if kind.id == "decimal":
        return "VARCHAR"
    if kind.id in ("list", "array"):
        return f"{exact_text(_element(kind))}[]"
    if kind.id == "struct":
        fields = ", ".join(f"{_name(name)} {exact_text(child)}" for name, child in _children(kind))
        return f"STRUCT({fields})"
    return str(kind)


def _bare_list(kind: DuckDBPyType) -> tuple[str, DuckDBPyType] | None:
    """Lists of files whose writer left out the LIST annotation read as STRUCT(list STRUCT(element …)[])."""
    outer = _children(kind)
    if [name for name, _ in outer] != ["list"] or outer[0][1].id != "list":
        return None
    inner = _element(outer[0][1])
    fields = _children(inner) if inner.id == "struct" else []
    return fields[0] if len(fields) == 1 and fields[0][0] in ("element", "item", "array") else None


def _children(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """The fields of a struct; the stubs allow for numbers, which only arrays and decimals have."""
    return cast("list[tuple[str, DuckDBPyType]]", kind.children)


def _element(kind: DuckDBPyType) -> DuckDBPyType:
    """What a list or array holds."""
    return dict(_children(kind))["child"]


def _of_json(found: Found, known: Mapping[str, tuple[str, ...]]) -> Iterator[Leaf]:
    """The fields that the dictionary knows, and `NAME.*`: whatever else the struct holds."""
    fields = known.get(found.name.lower(), ())
    if not fields:
        yield json_leaf(found.name, found.ref, "$")
        return
    for field in fields:
        yield json_leaf(f"{found.name}.{field}", found.ref, f'$."{field}"')
    # A merge patch with null removes a key (RFC 7386).
    known_away = _text(json.dumps(dict.fromkeys(fields)))
    rest = f"nullif(CAST(json_merge_patch({found.ref}, {known_away}) AS VARCHAR), '{{}}')"
    yield Leaf(f"{found.name}.*", f"CASE WHEN json_type({found.ref}) = 'OBJECT' THEN {rest} END", "JSON")


def json_leaf(path: str, ref: str, at: str) -> Leaf:
    """JSON that stands in a string, as TO_JSON_STRING writes it, is taken for what it says."""
    text, value = f"({ref} ->> {_text(at)})", ref if at == "$" else f"({ref} -> {_text(at)})"
    whole = f"CASE WHEN json_type({value}) = 'VARCHAR' THEN {text} ELSE nullif(CAST({value} AS VARCHAR), 'null') END"
    return Leaf(path, text, "TEXT", whole)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
