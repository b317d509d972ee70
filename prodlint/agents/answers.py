"""The tools' answers, without the protocol. Every function reads, none writes, and nothing outside the root is looked at."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from threading import Lock
from typing import Any

from prodlint.commands.check import exit_code
from prodlint.commands.rule import as_json, find
from prodlint.configuration.settings import SettingsError
from prodlint.engine import session
from prodlint.model import PRIORITIES
from prodlint.readiness import report_json
from prodlint.readiness.answers import answers_of
from prodlint.readiness.audit import audit
from prodlint.readiness.checklist import as_object
from prodlint.regular import read_regular
from prodlint.reports import Options, render
from prodlint.user_directory import is_inside

# A checklist that somebody ticks by hand has a hundredth of it.
_LARGEST = 1_000_000


class Reader:
    """One project, seen from its root. The calls wait for each other: a run is not for several threads at once."""

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        if not os.path.isdir(self.root):
            raise SettingsError(f"the root `{root}` is no directory")
        self._lock = Lock()

    def check(self, paths: Sequence[str], min_priority: str, since: str, limit: int) -> dict[str, Any]:
        """The findings, as the JSON report has them. left_out: how many there are beyond `limit`, the least urgent.

        Raises SettingsError for a path outside the root, or settings that cannot be used.
        """
        lowest = next((priority for priority in PRIORITIES if priority == min_priority), None)
        if lowest is None:
            raise SettingsError(f"`min_priority` is one of {', '.join(PRIORITIES)}")
        with self._lock:
            inside = [self._inside(path) for path in paths] or [self.root]
            result = session.run(session.Request(inside, root=self.root, since=since))
            options = Options(exit_code=exit_code(result), sort="priority", min_priority=lowest)
            text = render(result.report, "json", result.rules, root=result.report.root, sources=result.source, options=options)
        told: dict[str, Any] = json.loads(text)
        told["left_out"] = max(0, len(told["findings"]) - limit)
        told["findings"] = told["findings"][:limit]
        # Where nothing was found is long and helps nobody here.
        del told["looked_at"], told["evidence"]
        return told

    def rule(self, name: str) -> list[dict[str, Any]]:
        """The pages of a rule, by code, name or another tool's code.

        Raises SettingsError where there is none.
        """
        with self._lock:
            settings, _ = session.read_settings(session.Request([self.root], root=self.root))
            return [as_json(rule) for rule in find(name, session.catalogue_of(settings).rules)]

    def report(self) -> dict[str, Any]:
        """The readiness checklist, item by item, as the JSON of `prodlint report` has it."""
        with self._lock:
            answers = answers_of(session.Request([self.root], root=self.root))
            return report_json.as_object(answers, report_json.material_of(answers))

    def checklist(self, path: str) -> dict[str, Any]:
        """What the code says of each line of a ticked Markdown checklist of the project.

        Raises SettingsError for a file outside the root, or one that cannot be read.
        """
        target = self._inside(path)
        try:
            text = read_regular(target, _LARGEST).decode("utf-8")
        except OSError as error:
            raise SettingsError(f"cannot read `{path}`: {(error.strerror or str(error)).lower()}") from None
        except UnicodeDecodeError:
            raise SettingsError(f"`{path}` is not UTF-8") from None
        with self._lock:
            answers = answers_of(session.Request([self.root], root=self.root))
            return as_object(audit(text, answers), report_json.material_of(answers))

    def _inside(self, path: str) -> str:
        """A path of the project, links followed: no name may lead out of the root."""
        absolute = os.path.realpath(os.path.join(self.root, path))
        if absolute != self.root and not is_inside(absolute, self.root):
            raise SettingsError(f"`{path}` lies outside the root; this server looks at nothing else")
        if not os.path.exists(absolute):
            raise SettingsError(f"`{path}`: no such file or directory")
        return absolute
