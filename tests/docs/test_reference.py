"""docs/reference is what the code says today."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import pytest
from finops_core import registry
from finops_core.cli.catalog import CATALOG

from .blocks import ROOT


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_current(generator):
    pages = generator.pages()
    standing = {path.name: path.read_text(encoding="utf-8") for path in generator.FOLDER.glob("*.md")}
    stale = sorted(name for name in {*pages, *standing} if pages.get(name) != standing.get(name))
    assert not stale, f"{', '.join(stale)} in docs/reference: run {generator.COMMAND}"


def test_every_command_is_there(generator):
    text = generator.cli_page()
    for name in [entry.name for entry in CATALOG] + registry.names():
        assert f"\n## finops {name}\n" in text
    assert "\n## finops aws import-cur\n" in text


def test_every_setting_is_there_with_its_default(generator):
    text = generator.settings_page([registry.load(name) for name in generator.PROVIDERS])
    assert '| `cur_version` | `--cur-version` | `AWS_CUR_VERSION` | `auto`, `v1`, `v2`, `focus` | `"auto"` |' in text
    assert "| `bucket` | `--bucket` | `AWS_BUCKET` | text | required |" in text
    assert text.count("`--start-date`") == 1


def test_every_error_says_what_to_do(generator):
    sections = re.split(r"^## ", generator.errors_page(), flags=re.MULTILINE)[1:]
    assert len(sections) == len({section[:6] for section in sections}) == len(generator.ADVICE)
    assert any(section.startswith("FIN031") and "exit code 1" in section for section in sections)


def test_an_error_without_advice_stops_it(generator, monkeypatch):
    monkeypatch.setattr(generator, "ADVICE", {key: text for key, text in generator.ADVICE.items() if key != "FIN031"})
    with pytest.raises(SystemExit, match="FIN031"):
        generator.errors_page()


def test_what_providers_use_is_there_with_its_fields(generator):
    text = generator.api_page()
    for name in ("Provider", "Staging", "Delivery", "SourceFile", "LocalFile", "Dataset", "Column", "Found",
                 "SampleRequest", "setting"):  # fmt: skip
        assert f"\n## {name}\n" in text
    assert "    expression: str | None = None\n" in text
    assert "`avro`" in text
    assert "object at 0x" not in text


def test_every_page_is_in_the_table_of_contents(generator):
    docs = generator.FOLDER.parent
    index = (docs / "index.md").read_text(encoding="utf-8")
    for page in docs.rglob("*.md"):
        name = page.relative_to(docs).with_suffix("").as_posix()
        assert name == "index" or re.search(rf"^{re.escape(name)}$", index, re.MULTILINE), name
