"""A mkdocs hook: adds the reference pages that are made from the code when the site is built."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add the generated pages to the site."""
    from mkdocs.structure.files import File

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the command mkdocs has no current folder there
    from docs.generators import PAGES

    for name, page in PAGES.items():
        files.append(File.generated(config, name, content="".join(page())))
    return files
