"""Sphinx configuration of the documentation."""

project = "Insonate"
author = "The Insonate maintainers"
copyright = "2026, The Insonate maintainers. Apache-2.0"

extensions = ["sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
autodoc_class_signature = "separated"
autodoc_default_options = {"exclude-members": "__init__, __new__"}
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_type_aliases = {"ArrayLike": "ArrayLike"}
default_role = "code"
math_eqref_format = "eq. {number}"
napoleon_use_ivar = True
html_theme = "alabaster"
html_theme_options = {
    "description": "Ultrasound that looks real, in real time, with every label for free.",
    "page_width": "1080px",
}
