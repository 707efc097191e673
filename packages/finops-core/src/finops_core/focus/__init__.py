"""FOCUS, the FinOps Open Cost and Usage Specification: one wide table of version 1.2, and what is made from it.

columns.py      the columns of every version, their types and vocabularies (columns.csv, subcategories.csv)
conversion.py   a provider's SELECT  -> the SELECT that fills `focus_cost_and_usage`; the rule behind a column
invariants.py   checks.sql           -> what does not add up
rollup.py       FOCUS rows           -> `cost_rollup`
versions.py     FOCUS rows           -> a file of FOCUS 1.0, 1.1, 1.2, 1.3 or 1.4, and its metadata
"""
