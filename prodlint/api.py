"""prodlint as a library: open a project once, check texts and paths many times.

    project = Project("path/to/service")
    for finding in project.check_text("app/main.py", text).findings: ...
    project.changed(["compose.yaml"])     # what an editor or a watcher has noticed

What a project says as a whole (versions, what is started in production, its services) is read once and kept until `changed` or `check`
is called; settings and rules until `changed`. The findings are those of the command line, with the same settings, ignores, baseline and plug-ins. `VERSION` is that of this
module: its first number changes when something that worked no longer does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from prodlint.configuration.settings import Settings, SettingsError
from prodlint.engine import session
from prodlint.engine.catalogue import PageError
from prodlint.engine.run import Run
from prodlint.model import Finding, Fix, Priority, Report, Rule, Span
from prodlint.project.environment import Environment
from prodlint.regular import read_regular

__all__ = ["VERSION", "Checked", "Finding", "Fix", "PageError", "Priority", "Project", "Report", "Rule", "SettingsError", "Span"]

VERSION = "1.0"

# Settings, pages of rules, and what leaves files out.
_SAYS_HOW = (".toml", ".md", "ignore")


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check gave. report: everything that was said. result: the run behind it, for those who make fixes or reports of it."""

    report: Report
    result: session.Result

    @property
    def findings(self) -> Sequence[Finding]:
        """The findings that neither a comment nor the baseline takes away, in order of place."""
        return self.report.findings

    @property
    def rules(self) -> Mapping[str, Rule]:
        """The rules that were on somewhere, by code."""
        return {rule.code: rule for rule in self.result.rules}


class Project:
    """A project that stays open. Not for several threads at once.

    root: its directory; settings are read from there, as on the command line. config: as `--config`. isolated: read no settings file.
    """

    def __init__(self, root: str, *, config: Sequence[str] = (), isolated: bool = False, since: str = "") -> None:
        self.root = os.path.abspath(root)
        self.config = tuple(config)
        self.isolated = isolated
        self.since = since
        self._unsaved: dict[str, bytes] = {}
        self._world: Environment | None = None
        self._kept: Settings | None = None
        self._made: list[tuple[Settings, str, str, Run]] = []

    @property
    def settings(self) -> Settings:
        """What holds at the root, read anew after `changed`.

        Raises SettingsError.
        """
        if self._kept is None:
            self._kept, _ = session.read_settings(self._request([self.root]))
        return self._kept

    @property
    def unsaved(self) -> Mapping[str, bytes]:
        """The texts that win over the disk, by absolute path."""
        return dict(self._unsaved)

    def open(self, path: str, text: str | bytes) -> None:
        """Take a text that is not saved: from now on it wins over the file on the disk. path: absolute or from the root."""
        self._unsaved[self.absolute(path)] = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text

    def is_saved(self, path: str) -> bool:
        """Whether the disk holds the text that `open` has brought, if any."""
        given = self._unsaved.get(self.absolute(path))
        try:
            return given is None or read_regular(self.absolute(path), len(given)) == given
        except (OSError, ValueError):
            return False

    def close(self, path: str) -> None:
        """Go back to the file on the disk."""
        absolute = self.absolute(path)
        if self._unsaved.pop(absolute, None) is not None and self._world is not None:
            self._world.renew(absolute)

    def changed(self, paths: Iterable[str] = ()) -> None:
        """Files were written, made or deleted: what is known of the project and its settings is read anew when next asked for.

        paths: which ones; where they are files that were there before, and neither settings nor rules are read from them, no more is read than that.
        """
        listed = [self.absolute(path) for path in paths]
        world = self._world
        if listed and world is not None and all(self._is_content(world, absolute) for absolute in listed):
            for absolute in listed:
                if absolute not in self._unsaved:
                    world.renew(absolute)
            return
        self._world = None
        self._kept = None
        self._made = []

    @staticmethod
    def _is_content(world: Environment, absolute: str) -> bool:
        """Whether a file that was written says something of the project alone, and not how it is looked at or which files there are."""
        return world.holds(absolute) and not absolute.endswith(_SAYS_HOW) and os.path.isfile(absolute)

    def check(
        self,
        paths: Sequence[str] = (),
        *,
        whole: bool = True,
        grouped: bool = True,
        cache: bool = False,
        jobs: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> Checked:
        """Check the project, or some paths of it. whole: with the rules about what is missing, where the root is among the paths.
        grouped: whether findings that say the same are one, where their rule wants it.

        cache: use and keep results of files that are the same, as the command line does; files with a text that is not saved are looked at anew.
        jobs: how many processes to use. progress: is told how many files of how many were looked at; while they are being looked for, how many
        there are, of 0. What it raises ends the check; what was looked at by then is in the cache.

        Raises SettingsError and PageError.
        """
        given = [self.absolute(path) for path in paths] or [self.root]
        request = self._request(given)
        request.cache, request.jobs, request.progress, request.grouped = cache, jobs, progress, grouped
        result = session.run(request)
        if result.discovered.whole and whole:
            self._world = result.world
        return Checked(result.report, result)

    def check_text(self, path: str, text: str | bytes | None = None, *, grouped: bool = True) -> Checked:
        """Check one file, with the text given or the one that `open` has brought. path: absolute or from the root. grouped: as for `check`.

        Raises SettingsError and PageError.
        """
        absolute = self.absolute(path)
        if text is not None:
            self.open(absolute, text)
        request = self._request([absolute])
        request.world, request.grouped = self._world, grouped
        if absolute in self._unsaved and not os.path.exists(absolute):
            # A file that was never saved: what comes on standard input has a name and no place.
            request.paths, request.stdin_filename, request.stdin = ["-"], absolute, self._unsaved[absolute]
        result = session.run(request)
        self._world = result.world
        return Checked(result.report, result)

    def absolute(self, path: str) -> str:
        """A path from the root as an absolute one."""
        return os.path.normpath(os.path.join(self.root, path))

    def relative(self, path: str) -> str:
        """An absolute path from the root, with forward slashes."""
        return os.path.relpath(self.absolute(path), self.root).replace(os.sep, "/")

    def _request(self, paths: Sequence[str]) -> session.Request:
        return session.Request(
            paths,
            config=self.config,
            isolated=self.isolated,
            root=self.root,
            jobs=1,
            since=self.since,
            unsaved=dict(self._unsaved),
            made=self._made,
        )
