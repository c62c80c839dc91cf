"""What settings and files of settings may hold."""

from insonate.config.content import read_content
from insonate.config.fields import check_fields

__all__ = ["check_fields", "read_content"]
