"""Clinical data in: whatever comes becomes the one kind of dataset."""

from insonate.data.importers.importing import Report, import_source
from insonate.data.importers.open import Options, open_source
from insonate.data.importers.source import Box, Imported, Item, Skipped, Source

__all__ = [
    "Box",
    "Imported",
    "Item",
    "Options",
    "Report",
    "Skipped",
    "Source",
    "import_source",
    "open_source",
]
