"""Write today's outputs into README.md and docs/: `python -m tests.docs.refresh [PAGE...]`."""

import sys
import tempfile
from pathlib import Path

from tests.docs.pages import FOLDER, MARKERS, ROOT, Block, Page, pages, play, refreshed


def refresh(page: Page) -> list[str]:
    """Run a page and write what its commands print now into it; the commands whose output has changed."""
    changed: list[str] = []
    outputs: dict[Block, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for step in play(
            page, Path(folder) / FOLDER, [None, *(name for name, present in MARKERS.items() if present())]
        ):
            printed = step.shown if step.agrees else refreshed(step.shown, step.printed)
            if printed != step.shown:
                changed.append(step.command)
            outputs.setdefault(step.block, []).append(f"$ {step.command}\n{printed}")
    text = page.text
    for block, parts in sorted(outputs.items(), key=lambda item: item[0].start, reverse=True):
        written = "".join(block.indent + line for line in "".join(parts).splitlines(keepends=True))
        text = text[: block.start] + written + text[block.end :]
    if changed:
        page.path.write_text(text, "utf-8")
    return changed


def main(names: list[str]) -> None:
    wanted = {Path(name).resolve() for name in names}
    for page in pages():
        if not wanted or page.path in wanted:
            for command in refresh(page):
                print(f"{page.path.relative_to(ROOT)}: {command}")


if __name__ == "__main__":
    main(sys.argv[1:])
