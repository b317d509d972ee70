"""The server's features, one function a message. What is told of a document is what the command line says of its file."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

from prodlint import __version__
from prodlint.api import PageError, SettingsError
from prodlint.configuration.kinds import kind_of
from prodlint.engine import catalogue
from prodlint.model import Finding, Rule
from prodlint.reports.material import HOMEPAGE, advice_of_variant, first_sentence
from prodlint.server import actions, audit
from prodlint.server.notebooks import OpenNotebook
from prodlint.server.positions import covers, overlaps, range_of
from prodlint.server.state import Folder, Folders, path_of, uri_of

_SEVERITY = {"P0": types.DiagnosticSeverity.Error, "P1": types.DiagnosticSeverity.Warning, "P2": types.DiagnosticSeverity.Information}
# While somebody types, a document is looked at when nothing came for as long (seconds).
_PAUSE = 0.2
# What these say of the project or of the rules is known to be old once they change.
_WATCHED = (
    "**/pyproject.toml", "**/prodlint.toml", "**/.prodlint.toml", "**/.prodlint-baseline", "**/.gitignore", "**/.dockerignore", "**/*.lock", "**/requirements*.txt",
    "**/Dockerfile*", "**/compose*.y*ml", "**/docker-compose*.y*ml", "**/Procfile", "**/.env*", "**/*.sh", "**/.github/workflows/*", "**/*.py",
)  # fmt: skip


class Server(LanguageServer):
    """The language server and what it keeps of the editor's folders."""

    def __init__(self) -> None:
        cells = types.NotebookDocumentFilterWithCells([types.NotebookCellLanguage("python")], "jupyter-notebook")
        super().__init__("prodlint", __version__, notebook_document_sync=types.NotebookDocumentSyncOptions([cells], save=True))
        self.options: dict[str, Any] = {}
        self.folders = Folders(self.options)
        self.pulls = False
        self.waiting: dict[str, asyncio.Task[None]] = {}
        self.rules: dict[str, Rule] = {}
        # What was last said of open checklists: the whole project is looked at for it, which is too much while somebody types.
        self.audited: dict[str, list[types.Diagnostic]] = {}
        # Of each open notebook: what was said of its cells, by their address.
        self.of_cells: dict[str, dict[str, list[types.Diagnostic]]] = {}

    def rule(self, word: str) -> Rule | None:
        """A rule by its code or name."""
        if not self.rules:
            self.rules = {rule.code: rule for rule in catalogue.own_rules()}
        return self.rules.get(word.upper()) or next((rule for rule in self.rules.values() if rule.name == word), None)

    # ------------------------------------------------------------ checking

    def diagnostics_of(self, document: TextDocument, typing: bool = False) -> list[types.Diagnostic]:
        """What is to be said of an open document: its own findings, and those of the project's rules that stand in it."""
        path = path_of(document.uri)
        if path is None:
            notebook = self.workspace.get_notebook_document(cell_uri=document.uri)
            return self.check_cells(notebook.uri).get(document.uri, []) if notebook is not None else []
        folder = self.folders.of(path)
        found: list[types.Diagnostic] = []
        if _is_checklist(document):
            if not typing or document.uri not in self.audited:
                self.audited[document.uri] = audit.diagnostics(folder, document.source, document.lines, document.position_codec)
            found.extend(self.audited[document.uri])
        if kind_of(os.path.basename(path)) is None and "." in os.path.basename(path):
            return found
        try:
            folder.project.open(path, document.source)
            checked = folder.project.check_text(path)
        except (SettingsError, PageError) as error:
            self._settings_are_wrong(folder, error)
            return [self.diagnostic(folder, finding, document) for finding in self._last(folder, path)]
        folder.said[path] = checked
        self._settings_are_right(folder)
        own = folder.project.relative(path)
        listed = [*(finding for finding in checked.findings if finding.path == own), *folder.whole.get(own, ())]
        return [*found, *(self.diagnostic(folder, finding, document) for finding in sorted(listed, key=lambda finding: finding.order))]

    def check_cells(self, uri: str) -> dict[str, list[types.Diagnostic]]:
        """What is to be said of the cells of an open notebook, by their address."""
        notebook, path = self.workspace.get_notebook_document(notebook_uri=uri), path_of(uri)
        if notebook is None or path is None:
            return {}
        documents = {cell.document: self.workspace.get_text_document(cell.document) for cell in notebook.cells}
        written = OpenNotebook((address, document.source) for address, document in documents.items())
        folder = self.folders.of(path)
        told: dict[str, list[types.Diagnostic]] = {address: [] for address in documents}
        try:
            folder.project.open(path, written.text)
            checked = folder.project.check_text(path)
        except (SettingsError, PageError) as error:
            self._settings_are_wrong(folder, error)
            return self.of_cells.get(uri, told)
        self._settings_are_right(folder)
        for finding in checked.findings:
            placed = written.place(finding) if finding.path == folder.project.relative(path) else None
            if placed is not None:
                address, span = placed
                told[address].append(self.diagnostic(folder, replace(finding, span=span), documents[address]))
        self.of_cells[uri] = told
        return told

    def _last(self, folder: Folder, path: str) -> list[Finding]:
        checked = folder.said.get(path)
        return list(checked.findings) if checked is not None else []

    def diagnostic(self, folder: Folder, finding: Finding, document: TextDocument) -> types.Diagnostic:
        """One finding as the protocol tells it."""
        rule = self.rule(finding.code)
        url = f"{HOMEPAGE}/blob/main/rules/{rule.family}/{rule.code}-{rule.name}.md" if rule is not None else ""
        related = [
            types.DiagnosticRelatedInformation(
                types.Location(uri_of(folder.project.absolute(each.path)), _plain_range(each.span)), each.words
            )
            for each in finding.related
        ]
        advice = (advice_of_variant(rule, finding.message) or first_sentence(rule.how)) if rule is not None else ""
        return types.Diagnostic(
            range_of(finding.span, document.lines, document.position_codec),
            f"{finding.message}\n{advice}" if advice else finding.message,
            severity=_SEVERITY[finding.priority],
            code=finding.code,
            code_description=types.CodeDescription(url) if url else None,
            source="prodlint",
            tags=[types.DiagnosticTag.Unnecessary] if rule is not None and rule.name == "unused-suppression" else None,
            related_information=related or None,
            data={"finding": actions.key_of(finding)},
        )

    def check(self, uri: str, typing: bool = False) -> None:
        """Look at a document or a notebook and tell, where the client does not ask by itself."""
        if uri in self.workspace.notebook_documents:
            gone = self.of_cells.get(uri, {})
            told = {**{address: [] for address in gone}, **self.check_cells(uri)}
            for address, listed in told.items() if not self.pulls else ():
                self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(address, listed))
            return
        document = self.workspace.text_documents.get(uri)
        if document is None:
            return
        found = self.diagnostics_of(document, typing)
        if not self.pulls:
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, document.version))

    def check_soon(self, uri: str) -> None:
        """The same once nobody has typed for a moment; a newer text takes the place of an older one."""
        earlier = self.waiting.pop(uri, None)
        if earlier is not None:
            earlier.cancel()

        async def later() -> None:
            await asyncio.sleep(_PAUSE)
            self.waiting.pop(uri, None)
            self.check(uri, typing=True)

        self.waiting[uri] = asyncio.get_running_loop().create_task(later())

    def check_project(self, folder: Folder) -> dict[str, list[types.Diagnostic]]:
        """The rules about the project as a whole, by address of the file; open documents keep their own text."""
        try:
            checked = folder.project.check()
        except (SettingsError, PageError) as error:
            self._settings_are_wrong(folder, error)
            return {}
        self._settings_are_right(folder)
        of_files = {finding for outcome in checked.result.outcomes for finding in outcome.findings}
        folder.whole = {}
        told: dict[str, list[types.Diagnostic]] = {}
        for finding in checked.findings:
            if finding not in of_files:
                folder.whole.setdefault(finding.path, []).append(finding)
            uri = uri_of(folder.project.absolute(finding.path))
            source = checked.result.source(finding.path)
            lines = source.text.splitlines(keepends=True) if source is not None else []
            document = TextDocument(uri, "".join(lines), position_codec=self.workspace.position_codec)
            told.setdefault(uri, []).append(self.diagnostic(folder, finding, document))
        return told

    def _settings_are_wrong(self, folder: Folder, error: SettingsError | PageError) -> None:
        path, line, words = _file_of(error), max(int(error.line or 0), 1), str(error)
        folder.wrong = error
        place = _placed(folder, path)
        where = types.Range(types.Position(line - 1, 0), types.Position(line, 0))
        told = types.Diagnostic(where, words, severity=types.DiagnosticSeverity.Error, source="prodlint", code="settings")
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri_of(place), [told]))

    def _settings_are_right(self, folder: Folder) -> None:
        if folder.wrong is not None:
            path = _file_of(folder.wrong) or "pyproject.toml"
            folder.wrong = None
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri_of(_placed(folder, path)), []))


def _file_of(error: SettingsError | PageError) -> str:
    """The file that is wrong, or ""."""
    return error.path if isinstance(error, PageError) else error.file


def _placed(folder: Folder, path: str) -> str:
    """Where a settings file lies that an error names, as it does, from the working directory."""
    given = os.path.abspath(path) if path else ""
    return given if given and os.path.exists(given) else os.path.join(folder.project.root, path or "pyproject.toml")


def _plain_range(span: Any) -> types.Range:
    return types.Range(types.Position(span.line - 1, span.column - 1), types.Position(span.end_line - 1, span.end_column - 1))


def _is_checklist(document: TextDocument) -> bool:
    return (
        document.uri.lower().endswith((".md", ".markdown")) and re.search(r"^\s*[-*+] \[[ xX]\]", document.source, re.MULTILINE) is not None
    )


def _words(document: TextDocument, position: types.Position) -> str:
    """The code or name that stands at a position."""
    line = document.lines[position.line] if position.line < len(document.lines) else ""
    at = document.position_codec.position_from_client_units(document.lines, position).character
    return next(
        (found[0] for found in re.finditer(r"[A-Za-z]{2,8}\d{3}|[a-z]+(?:-[a-z0-9]+)+", line) if found.start() <= at <= found.end()), ""
    )


def _rule_at(server: Server, document: TextDocument, position: types.Position) -> Rule | None:
    """The rule of the narrowest finding at a position."""
    path = path_of(document.uri)
    if path is None:
        return None
    folder = server.folders.of(path)
    checked, own = folder.said.get(path), folder.project.relative(path)
    listed = [*(checked.findings if checked is not None else ()), *folder.whole.get(own, ())]
    ranges = ((range_of(each.span, document.lines, document.position_codec), each) for each in listed if each.path == own)
    found = [(where.end.line - where.start.line, where.end.character, each.code) for where, each in ranges if covers(where, position)]
    return server.rule(min(found)[2]) if found else None


def made() -> Server:
    """A server with all of its features."""
    server = Server()

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        if isinstance(params.initialization_options, dict):
            server.options.update(params.initialization_options.get("settings", params.initialization_options))
        capabilities = params.capabilities.text_document
        server.pulls = capabilities is not None and capabilities.diagnostic is not None

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        for folder in server.workspace.folders.values():
            path = path_of(folder.uri)
            if path is not None:
                server.folders.add(path)
        watching = server.client_capabilities.workspace and server.client_capabilities.workspace.did_change_watched_files
        if watching and watching.dynamic_registration:
            watchers = [types.FileSystemWatcher(pattern) for pattern in _WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            registration = types.Registration("prodlint-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            await server.client_register_capability_async(types.RegistrationParams([registration]))
        if not server.pulls:
            for each in server.folders:
                _publish(server, server.check_project(each))

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        server.check(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def did_change(params: types.DidChangeTextDocumentParams) -> None:
        if server.options.get("run", "onType") != "onSave":
            server.check_soon(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        path = path_of(params.text_document.uri)
        if path is None:
            return
        folder = server.folders.of(path)
        folder.project.changed([path])
        told = server.check_project(folder)
        if server.pulls:
            server.workspace_diagnostic_refresh(None)
        else:
            _publish(server, told)
        server.check(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        task = server.waiting.pop(uri, None)
        if task is not None:
            task.cancel()
        path = path_of(uri)
        if path is not None:
            folder = server.folders.of(path)
            folder.project.close(path)
            folder.said.pop(path, None)
        server.audited.pop(uri, None)
        if not server.pulls:
            server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)
    def notebook_opened(params: types.DidOpenNotebookDocumentParams) -> None:
        server.check(params.notebook_document.uri)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
    async def notebook_changed(params: types.DidChangeNotebookDocumentParams) -> None:
        if server.options.get("run", "onType") != "onSave":
            server.check_soon(params.notebook_document.uri)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_SAVE)
    def notebook_saved(params: types.DidSaveNotebookDocumentParams) -> None:
        server.check(params.notebook_document.uri)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def notebook_closed(params: types.DidCloseNotebookDocumentParams) -> None:
        uri = params.notebook_document.uri
        path = path_of(uri)
        if path is not None:
            server.folders.of(path).project.close(path)
        for address in server.of_cells.pop(uri, {}):
            if not server.pulls:
                server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(address, []))

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
        _forget(server, (change.uri for change in params.changes))

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def configuration_changed(params: types.DidChangeConfigurationParams) -> None:
        if isinstance(params.settings, dict):
            given = params.settings.get("prodlint", params.settings)
            if isinstance(given, dict):
                server.options.update(given)
        _forget(server, ())

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders_changed(params: types.DidChangeWorkspaceFoldersParams) -> None:
        for folder in params.event.removed:
            path = path_of(folder.uri)
            if path is not None:
                server.folders.remove(path)
        for folder in params.event.added:
            path = path_of(folder.uri)
            if path is not None:
                server.folders.add(path)

    @server.feature(
        types.TEXT_DOCUMENT_DIAGNOSTIC,
        types.DiagnosticOptions(inter_file_dependencies=True, workspace_diagnostics=True, identifier="prodlint"),
    )
    def pull(params: types.DocumentDiagnosticParams) -> types.RelatedFullDocumentDiagnosticReport:
        return types.RelatedFullDocumentDiagnosticReport(
            server.diagnostics_of(server.workspace.get_text_document(params.text_document.uri), typing=True)
        )

    @server.feature(types.WORKSPACE_DIAGNOSTIC)
    def pull_all(params: types.WorkspaceDiagnosticParams) -> types.WorkspaceDiagnosticReport:
        told = {uri: found for folder in server.folders for uri, found in server.check_project(folder).items()}
        open_ = set(server.workspace.text_documents)
        return types.WorkspaceDiagnosticReport(
            [
                types.WorkspaceFullDocumentDiagnosticReport(uri, found, version=None)
                for uri, found in sorted(told.items())
                if uri not in open_
            ]
        )

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions([types.CodeActionKind.QuickFix, actions.FIX_ALL], resolve_provider=True),
    )
    def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        document = server.workspace.get_text_document(params.text_document.uri)
        path = path_of(document.uri)
        if path is None:
            return []
        folder = server.folders.of(path)
        made_: list[types.CodeAction] = []
        wanted = params.context.only
        if wanted is None or types.CodeActionKind.QuickFix in wanted:
            checked = folder.said.get(path)
            for finding in checked.findings if checked is not None else ():
                if finding.path != folder.project.relative(path):
                    continue
                told = server.diagnostic(folder, finding, document)
                if overlaps(told.range, params.range):
                    made_.extend(actions.offered(finding, told, document.uri, document.version, bool(folder.project.settings.baseline)))
            if _is_checklist(document):
                made_.extend(audit.actions_of(server.audited.get(document.uri, ()), document, params.range))
        if wanted is None or any(actions.FIX_ALL.startswith(kind) for kind in wanted):
            data: dict[str, Any] = {"uri": document.uri, "verb": "fix-all", "finding": [], "version": document.version}
            made_.append(types.CodeAction("prodlint: Fix all that is safe to fix", kind=actions.FIX_ALL, data=data))
        return made_

    @server.feature(types.CODE_ACTION_RESOLVE)
    def resolve(action: types.CodeAction) -> types.CodeAction:
        data = action.data
        if not isinstance(data, dict):
            return action
        path = path_of(data["uri"])
        if path is None:
            return action
        document = server.workspace.get_text_document(data["uri"])
        folder = server.folders.of(path)
        if data["verb"] == "fix-all":
            action.edit = actions.all_safe(folder, path)
        else:
            action.edit = actions.resolved(folder, path, data, document.lines)
        return action

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        document = server.workspace.get_text_document(params.text_document.uri)
        rule = server.rule(_words(document, params.position)) or _rule_at(server, document, params.position)
        if rule is None:
            return None
        body = rule.page.split("```", 2)[2] if rule.page.count("```") >= 2 else rule.page
        text = f"**{rule.code}** {rule.name} ({rule.priority}, {rule.category})\n\n{rule.title}\n{body}"
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text))

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["[", ",", '"']))
    def completion(params: types.CompletionParams) -> list[types.CompletionItem]:
        document = server.workspace.get_text_document(params.text_document.uri)
        line = document.lines[params.position.line] if params.position.line < len(document.lines) else ""
        before = line[: document.position_codec.position_from_client_units(document.lines, params.position).character]
        in_ignore = re.search(r"prodlint:\s*ignore(?:-file)?\[[^\]]*$", before)
        in_settings = document.uri.endswith(".toml") and re.search(r"(?:select|ignore|unsuppressible|warn-only)\s*=\s*\[[^\]]*$", before)
        if not in_ignore and not in_settings:
            return []
        server.rule("")
        return [
            types.CompletionItem(word, kind=types.CompletionItemKind.EnumMember, detail=f"{rule.priority} {rule.title}", filter_text=word)
            for rule in server.rules.values()
            for word in (rule.code, rule.name)
        ]

    @server.command("prodlint.report")
    def report(root: str = "") -> str:
        return _report(server, root)

    @server.command("prodlint.writeBaseline")
    def write_baseline(root: str = "") -> str:
        from prodlint import baseline

        folder = server.folders.add(root) if root else next(iter(server.folders))
        path = os.path.join(folder.project.root, folder.project.settings.baseline or baseline.DEFAULT)
        baseline.write(path, folder.project.check().findings, lambda entry: True)
        _forget(server, ())
        return path

    @server.command(actions.ADD_TO_BASELINE)
    def add_to_baseline(uri: str, key: list[Any]) -> str:
        from prodlint import baseline

        path = path_of(uri)
        if path is None:
            return ""
        folder = server.folders.of(path)
        known = os.path.join(folder.project.root, folder.project.settings.baseline or baseline.DEFAULT)
        findings = [each for each in folder.project.check_text(path).findings if actions.key_of(each) == list(key)]
        baseline.write(known, findings, lambda entry: True)
        _forget(server, [uri])
        return known

    return server


def _report(server: Server, root: str) -> str:
    """The readiness report of a folder as HTML, for a panel."""
    from prodlint.engine.session import Request
    from prodlint.readiness import report_html, report_json
    from prodlint.readiness.answers import answers_of

    folder = server.folders.add(root) if root else next(iter(server.folders))
    answers = answers_of(Request([folder.project.root], root=folder.project.root))
    material = report_json.material_of(answers)
    return "".join(report_html.write(report_json.as_object(answers, material), material))


def _publish(server: Server, told: dict[str, list[types.Diagnostic]]) -> None:
    """Tell of files that are not open; the open ones tell of their own text."""
    for uri, found in sorted(told.items()):
        if uri not in server.workspace.text_documents:
            server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found))


def _forget(server: Server, uris: Iterable[str]) -> None:
    """Files were changed by somebody else: what was known of their projects is read anew, and open documents are looked at again."""
    paths = [path for path in map(path_of, uris) if path is not None]
    for folder in {id(folder): folder for folder in (map(server.folders.of, paths) if paths else server.folders)}.values():
        folder.project.changed(paths)
    if server.pulls:
        server.workspace_diagnostic_refresh(None)
        return
    for uri in list(server.workspace.text_documents):
        server.check(uri)
