"""Sphinx configuration of the documentation."""

project = "Insonate"
author = "The Insonate maintainers"
copyright = "2026, The Insonate maintainers. Apache-2.0"

extensions = ["sphinx.ext.mathjax"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {
    "description": "Ultrasound that looks real, in real time, with every label for free.",
    "page_width": "1080px",
}
math_eqref_format = "({number})"
nitpicky = True
