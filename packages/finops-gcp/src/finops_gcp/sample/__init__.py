"""Google Cloud bills of the sample world, as an export job would write them.

write(SampleRequest) -> settings     a bucket's tree, and truth.json beside it

lines.py    usage -> export rows with integer amounts (lines.sql), and the view `export`, nested (export.sql)
avro.py     Avro, which DuckDB does not write
formats.py  how each format writes that view, and into which folders
truth.py    what an import must show, counted from the integers
"""

from __future__ import annotations

from finops_gcp.sample.formats import FORMATS
from finops_gcp.sample.write import write

__all__ = ["FORMATS", "write"]
