"""AWS bills of the sample world, as AWS would deliver them.

write(SampleRequest) -> settings     a bucket's tree, and truth.json beside it

catalog.py   SKUs, regions, accounts, commitments
lines.py     usage -> line items as exact integers (lines.sql), and the view `bill` with all columns (bill.sql)
render.py    the columns of each format over `bill`
chunks.py    rows -> files, compressed
layout.py    files, manifests and sidecars of one delivery
neighbours.py   what else lies in the bucket
truth.py     what an import must show, counted from the line items
record.py    generate_cur_record: one CUR v1 row, for tests
"""

from __future__ import annotations

from finops_aws.sample.record import generate_cur_record
from finops_aws.sample.shapes import FORMATS
from finops_aws.sample.write import write

__all__ = ["FORMATS", "generate_cur_record", "write"]
