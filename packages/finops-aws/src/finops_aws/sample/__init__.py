"""AWS bills of the sample world, as AWS would deliver them.

write(SampleRequest) -> settings   a bucket's tree, and truth.json beside it

shapes.py        the formats, and what AWS lets one choose about each
company.py       where the company runs, and its account ids
catalog.py       SKUs and their prices
commitments.py   reservations and savings plans
tables.py        the three of them as tables
lines.py         usage -> line items as exact integers (lines.sql), and the views `bill` (bill.sql) and `focus_bill`
                 (focus.sql) with all columns
truth.py         what an import must show, counted from the line items (truth.sql)
render.py        the columns of each format over the views
chunks.py        rows -> files, compressed
layout.py        files, manifests and sidecars of one delivery
neighbours.py    what else lies in the bucket
write.py         the whole tree, month by month
record.py        generate_cur_record: one CUR v1 row, for tests
"""

from __future__ import annotations

from finops_aws.sample.record import generate_cur_record
from finops_aws.sample.shapes import FORMATS
from finops_aws.sample.write import write

__all__ = ["FORMATS", "generate_cur_record", "write"]
