"""Sphinx reads this: `uv run nox -s docs` builds the site into docs/_build, with warnings as errors."""

project = "finops"
author = "the finops authors"
copyright = "the finops authors, Apache-2.0"

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}
nitpicky = True
myst_heading_anchors = 3

# Furo brings its own styles and uses the fonts of the reader's system: nothing is fetched from elsewhere.
html_theme = "furo"
html_title = "finops"
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["tables.css"]
