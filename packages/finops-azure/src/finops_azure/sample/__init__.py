"""Azure bills of the sample world, as Cost Management would export them.

write(SampleRequest) -> settings     a container's tree, and truth.json beside it

catalog.py    SKUs, regions, subscriptions, tags, commitments
charges.py    usage -> charges of both files, exact decimals (charges.sql), purchases, unused commitment, refunds
render.py     the columns of each format
layout.py     runs, parts and manifests of one delivery, and what else lies in the container
truth.py      what an import must show, counted from the charges
"""

from __future__ import annotations

from finops_azure.sample.shapes import FORMATS
from finops_azure.sample.write import write

__all__ = ["FORMATS", "write"]
