"""What settings and files of settings may hold."""

from insonate.config.content import read_content
from insonate.config.fields import check_fields
from insonate.config.strict import from_plain, to_plain

__all__ = ["check_fields", "from_plain", "read_content", "to_plain"]
