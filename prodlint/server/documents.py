"""Open documents, cut into lines as the protocol and Python do: at LF, CRLF and a lone CR, and not at a form feed or a Unicode line separator.

pygls goes by `str.splitlines`, for which these end lines too: every place behind one, and every incremental change, would be off by a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lsprotocol import types
from pygls import workspace

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")


def lines_of(text: str) -> tuple[str, ...]:
    """The lines of a text, with their ends."""
    return tuple(_LINE.findall(text))


class Document(workspace.TextDocument):
    """An open text, or one on the disk."""

    _cut: tuple[str, tuple[str, ...]] = ("", ())

    @property
    def lines(self) -> Sequence[str]:
        """The lines, with their ends."""
        source = self.source
        if self._cut[0] is not source:
            self._cut = source, lines_of(source)
        return self._cut[1]


class Workspace(workspace.Workspace):
    """The open documents, which are of the kind above."""

    @classmethod
    def like(cls, other: workspace.Workspace, folders: Iterable[types.WorkspaceFolder]) -> Workspace:
        """A workspace with the root, folders and position encoding of another one."""
        return cls(other.root_uri, other._sync_kind, list(folders), other.position_encoding)

    def _create_text_document(
        self, doc_uri: str, source: str | None = None, version: int | None = None, language_id: str | None = None
    ) -> Document:
        return Document(doc_uri, source, version, language_id, sync_kind=self._sync_kind, position_codec=self.position_codec)
