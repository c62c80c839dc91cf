"""What settings may hold."""

from insonate.config.fields import check_fields

__all__ = ["check_fields"]
