"""The server's features, one function a message. What is told of a document is what the command line says of its file."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.workspace import TextDocument

from prodlint import __version__
from prodlint.api import Checked, PageError, SettingsError
from prodlint.configuration.kinds import kind_of
from prodlint.engine import catalogue
from prodlint.model import Finding, Rule
from prodlint.reports.material import HOMEPAGE, advice_of_variant, first_sentence
from prodlint.server import actions, audit, background
from prodlint.server.changes import Changes, key_of
from prodlint.server.checking import FolderCheck
from prodlint.server.documents import Workspace
from prodlint.server.looking import Looks, MainThread
from prodlint.server.notebooks import OpenNotebook
from prodlint.server.positions import covers, overlaps, range_at, range_of
from prodlint.server.progress import Shown
from prodlint.server.state import Folder, Folders, Told, path_of, uri_of
from prodlint.server.units import name_of
from prodlint.server.whole import Answer, Found, Job, Verb, Wrong

_log = logging.getLogger(__name__)

_SEVERITY = {"P0": types.DiagnosticSeverity.Error, "P1": types.DiagnosticSeverity.Warning, "P2": types.DiagnosticSeverity.Information}
# While somebody types, a document is looked at when nothing came for as long (seconds).
_PAUSE = 0.2
# Files in one part of an answer that comes in parts.
_PART = 100
# What these say of the project or of the rules is known to be old once they change.
_WATCHED = (
    "**/pyproject.toml", "**/prodlint.toml", "**/.prodlint.toml", "**/.prodlint-baseline", "**/.gitignore", "**/.dockerignore", "**/*.lock", "**/requirements*.txt",
    "**/Dockerfile*", "**/compose*.y*ml", "**/docker-compose*.y*ml", "**/Procfile", "**/.env*", "**/*.sh", "**/.github/workflows/*", "**/*.py",
)  # fmt: skip


class Protocol(LanguageServerProtocol):
    """The protocol, which lets go of what is done: pygls 2.1 keeps the future of every notification, of each keystroke, for as long as it runs."""

    def _execute_handler(self, msg_id: Any, *given: Any, **named: Any) -> None:
        super()._execute_handler(msg_id, *given, **named)
        future = self._request_futures.get(msg_id)
        if future is not None:
            # Not at once: who shuts down goes through these futures while it cancels them.
            loop = asyncio.get_running_loop()
            future.add_done_callback(lambda _: loop.call_soon(self._request_futures.pop, msg_id, None))


class Server(LanguageServer):
    """The language server and what it keeps of the editor's folders."""

    def __init__(self) -> None:
        cells = types.NotebookDocumentFilterWithCells([types.NotebookCellLanguage("python")], "jupyter-notebook")
        notebooks = types.NotebookDocumentSyncOptions([cells], save=True)
        super().__init__("prodlint", __version__, notebook_document_sync=notebooks, protocol_cls=Protocol)
        self.options: dict[str, Any] = {}
        self.folders = Folders(self.options, self._check_of)
        self.pulls = False
        self.waiting: dict[str, asyncio.Task[None]] = {}
        self.main = MainThread()
        self.looks = Looks(self._look)
        self.rules: dict[str, Rule] = {}
        # What was last said of open checklists: the whole project is looked at for it, which is too much while somebody types.
        self.audited: dict[str, list[audit.JudgedLine]] = {}
        # What is being asked of processes besides the checks of folders, by what it is about.
        self.asking: dict[str, asyncio.Task[Any]] = {}
        self._kept: set[asyncio.Task[object]] = set()
        # Of each open notebook: what was said of its cells, by their address.
        self.of_cells: dict[str, dict[str, list[types.Diagnostic]]] = {}

    def rule(self, word: str) -> Rule | None:
        """A rule by its code or name."""
        if not self.rules:
            self.rules = {rule.code: rule for rule in catalogue.own_rules()}
        return self.rules.get(word.upper()) or next((rule for rule in self.rules.values() if rule.name == word), None)

    # ------------------------------------------------------------ checking

    async def diagnostics_of(self, document: TextDocument) -> list[types.Diagnostic] | None:
        """What is to be said of an open document: its own findings, and those of the project's rules that stand in it. None where it has another
        text by then."""
        path = path_of(document.uri)
        if path is None:
            notebook = self.workspace.get_notebook_document(cell_uri=document.uri)
            of_cells = await self.check_cells(notebook.uri) if notebook is not None else {}
            return of_cells.get(document.uri, []) if of_cells is not None else None
        folder = self.folders.of(path)
        found: list[types.Diagnostic] = []
        if audit.is_checklist(document):
            found.extend(audit.diagnostics(folder, self.audited.get(document.uri, ()), document))
        if kind_of(os.path.basename(path)) is None and "." in os.path.basename(path):
            return found
        text = document.source
        checked = await self._checked(folder, path, text)
        if document.source != text:
            return None
        if isinstance(checked, Checked):
            folder.said[path] = checked
            self._settings_are_right(folder)
        else:
            self._settings_are_wrong(folder, _file_of(checked), checked.line, str(checked))
        listed = sorted((finding for finding, _ in folder.findings_in(path)), key=lambda finding: finding.order)
        return [*found, *(self.in_document(folder, finding, document) for finding in listed)]

    async def _checked(self, folder: Folder, path: str, text: str) -> Checked | SettingsError | PageError:
        """What a text is found to hold, or what is wrong with the settings."""
        try:
            return await self.main.do(partial(folder.project.check_text, path, text))
        except (SettingsError, PageError) as error:
            return error

    async def check_cells(self, uri: str) -> dict[str, list[types.Diagnostic]] | None:
        """What is to be said of the cells of an open notebook, by their address. None where they hold something else by then."""
        notebook, path = self.workspace.get_notebook_document(notebook_uri=uri), path_of(uri)
        if notebook is None or path is None:
            return {}
        documents = {cell.document: self.workspace.get_text_document(cell.document) for cell in notebook.cells}
        texts = {address: document.source for address, document in documents.items()}
        written = OpenNotebook(texts.items())
        folder = self.folders.of(path)
        told: dict[str, list[types.Diagnostic]] = {address: [] for address in documents}
        checked = await self._checked(folder, path, written.text)
        now = self.workspace.get_notebook_document(notebook_uri=uri)
        if now is None or {cell.document: self.workspace.get_text_document(cell.document).source for cell in now.cells} != texts:
            return None
        if not isinstance(checked, Checked):
            self._settings_are_wrong(folder, _file_of(checked), checked.line, str(checked))
            return self.of_cells.get(uri, told)
        self._settings_are_right(folder)
        for finding in checked.findings:
            placed = written.place(finding) if finding.path == folder.project.relative(path) else None
            if placed is not None:
                address, span = placed
                told[address].append(self.in_document(folder, replace(finding, span=span), documents[address]))
        self.of_cells[uri] = told
        return told

    def in_document(self, folder: Folder, finding: Finding, document: TextDocument) -> types.Diagnostic:
        """One finding of an open document as the protocol tells it."""
        return self.diagnostic(folder, finding, range_of(finding.span, document.lines, document.position_codec))

    def diagnostic(self, folder: Folder, finding: Finding, where: types.Range) -> types.Diagnostic:
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
            where,
            f"{finding.message}\n{advice}" if advice else finding.message,
            severity=_SEVERITY[finding.priority],
            code=finding.code,
            code_description=types.CodeDescription(url) if url else None,
            source="prodlint",
            tags=[types.DiagnosticTag.Unnecessary] if rule is not None and rule.name == "unused-suppression" else None,
            related_information=related or None,
            data={"finding": key_of(finding)},
        )

    def check(self, uri: str, typed: bool = False) -> None:
        """Look at a document or a notebook and tell, where the client does not ask by itself. typed: before all others."""
        if not self.pulls:
            self.looks.want(unquote(uri), typed)

    async def _look(self, uri: str) -> None:
        """Look at a document or a notebook and tell, if it is the same by then: of a newer text, the newer look tells."""
        if uri in self.workspace.notebook_documents:
            gone = list(self.of_cells.get(uri, ()))
            told = await self.check_cells(uri)
            for address in {**dict.fromkeys(gone), **told} if told is not None else ():
                self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(address, (told or {}).get(address, [])))
            return
        document = self.document(uri)
        if document is None:
            return
        version = document.version
        found = await self.diagnostics_of(document)
        if found is not None and self.document(uri) is document and document.version == version:
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(document.uri, found, version))

    def document(self, uri: str) -> TextDocument | None:
        """A document that is open. (The workspace knows them by addresses without escapes, whatever the client writes.)"""
        found: TextDocument | None = self.workspace.text_documents.get(unquote(uri))
        return found

    def check_again(self, folder: Folder | None = None) -> None:
        """What is known beside the texts has changed: look at the open documents again, of one folder or of all."""
        if self.pulls:
            workspace = self.client_capabilities.workspace
            if workspace is not None and workspace.diagnostics is not None and workspace.diagnostics.refresh_support:
                self.workspace_diagnostic_refresh(None)
            return
        notebooks = self.workspace.notebook_documents
        cells = {unquote(cell.document) for notebook in notebooks.values() for cell in notebook.cells}
        for uri in [*notebooks, *(uri for uri in self.workspace.text_documents if uri not in cells)]:
            path = path_of(uri)
            if folder is None or (path is not None and self.folders.of(path) is folder):
                self.check(uri)

    def check_soon(self, uri: str) -> None:
        """The same once nobody has typed for a moment; a newer text takes the place of an older one."""
        earlier = self.waiting.pop(uri, None)
        if earlier is not None:
            earlier.cancel()

        async def later() -> None:
            await asyncio.sleep(_PAUSE)
            self.waiting.pop(uri, None)
            self.check(uri, typed=True)

        self.waiting[uri] = asyncio.get_running_loop().create_task(later())

    # ------------------------------------------------------------ whole projects

    def _check_of(self, folder: Folder) -> FolderCheck:
        title = f"prodlint: {os.path.basename(folder.project.root)}"
        return FolderCheck(partial(self.job, folder), partial(self._take, folder), Shown(self, title))

    def job(self, folder: Folder, verb: Verb = "check", text: str = "", path: str = "") -> Job:
        """What is to be done with a folder as it is now."""
        project = folder.project
        units = name_of(self.workspace.position_encoding)
        # What is open may be newer than what was looked at last.
        opened = {path_of(uri): document.source for uri, document in self.workspace.text_documents.items()}
        unsaved = {path: text.encode("utf-8", "surrogatepass") for path, text in opened.items() if path and self.folders.of(path) is folder}
        return Job(verb, project.root, project.config, project.since, {**project.unsaved, **unsaved}, units, text, path)

    def check_whole(self, folder: Folder) -> None:
        """Something of a folder was saved: look at it as a whole, in the background."""
        if folder.is_checked_as_a_whole():
            folder.check.changed()

    def _take(self, folder: Folder, answer: Answer) -> None:
        """What a check of a folder has found. Files that are open keep what is said of their own text."""
        if isinstance(answer, Wrong):
            self._settings_are_wrong(folder, answer.file, answer.line, answer.words)
            return
        assert isinstance(answer, Found)
        self._settings_are_right(folder)
        whole: dict[str, list[Finding]] = {}
        listed: dict[str, list[types.Diagnostic]] = {}
        for number, (finding, place) in enumerate(zip(answer.findings, answer.places, strict=True)):
            path = folder.project.absolute(finding.path)
            # What lies in a folder that is open by itself is that one's.
            if self.folders.of(path) is folder:
                if number in answer.of_project:
                    whole.setdefault(finding.path, []).append(finding)
                listed.setdefault(uri_of(path), []).append(self.diagnostic(folder, finding, range_at(place)))
        before, other = folder.told, whole != folder.whole or answer.habits != folder.habits
        folder.whole, folder.habits = whole, answer.habits
        folder.told = {uri: _as_told(before.get(uri), found) for uri, found in sorted(listed.items())}
        if not self.pulls:
            for uri in sorted({*before, *folder.told}):
                if before.get(uri) is not folder.told.get(uri):
                    self.publish(folder, uri)
        if other or (self.pulls and before != folder.told):
            self.check_again(folder)

    def publish(self, folder: Folder, uri: str) -> None:
        """Tell what the last check of a folder has said of a file that is not open."""
        if not self.is_open(uri):
            told = folder.told.get(uri)
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, told.diagnostics if told is not None else []))

    def is_open(self, uri: str) -> bool:
        """Whether a document or a notebook is open."""
        return unquote(uri) in self.workspace.text_documents or unquote(uri) in self.workspace.notebook_documents

    async def ask(self, about: str, job: Job, title: str) -> Answer | None:
        """What a process says to a job, with its progress shown; None where the user has stopped it, or it has failed. about: what a newer job of
        the same kind takes the place of."""
        earlier = self.asking.pop(about, None)
        if earlier is not None:
            earlier.cancel()
            await asyncio.wait([earlier])
        shown = Shown(self, title)
        task = self.asking[about] = asyncio.get_running_loop().create_task(background.ask(job, shown.report))
        shown.stop = task.cancel
        shown.begin()
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
            shown.end()
            if self.asking.get(about) is task:
                del self.asking[about]
        if task.cancelled():
            return None
        error = task.exception()
        if error is not None:
            _log.error("%s", error)
        return task.result() if error is None else None

    def audit_soon(self, uri: str) -> None:
        """Hold an open checklist against the code, in the background."""
        self.keep(self.audit_now(uri))

    async def audit_now(self, uri: str) -> list[audit.JudgedLine] | None:
        """Hold an open checklist against the code, and tell. None where it is none, or where nobody wants the answer any more."""
        document, path = self.document(uri), path_of(uri)
        if document is None or path is None or not audit.is_checklist(document):
            return None
        folder, lines = self.folders.of(path), document.lines
        judged = await self.ask(f"audit {uri}", self.job(folder, "audit", document.source, path), f"prodlint: {os.path.basename(path)}")
        if not isinstance(judged, list) or self.document(uri) is not document:
            return None
        told = self.audited[document.uri] = audit.told_of(judged, lines)
        if self.pulls:
            self.check_again(folder)
        else:
            self.check(uri)
        return told

    def keep(self, work: Coroutine[Any, Any, object]) -> None:
        """Let something go on in the background until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    async def end_all(self) -> None:
        """End what goes on in the background."""
        checks = [folder.check.close() for folder in self.folders]
        asked = list(self.asking.values())
        for task in asked:
            task.cancel()
        await asyncio.gather(*checks, *asked, return_exceptions=True)

    def _settings_are_wrong(self, folder: Folder, file: str, line: int, words: str) -> None:
        self._settings_are_right(folder, file)
        folder.wrong = file
        first = max(line, 1)
        where = types.Range(types.Position(first - 1, 0), types.Position(first, 0))
        told = types.Diagnostic(where, words, severity=types.DiagnosticSeverity.Error, source="prodlint", code="settings")
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri_of(_placed(folder, file)), [told]))

    def _settings_are_right(self, folder: Folder, but: str | None = None) -> None:
        """The settings can be read (again), but for one file."""
        if folder.wrong is not None and folder.wrong != but:
            wrong, folder.wrong = folder.wrong, None
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri_of(_placed(folder, wrong)), []))


def _as_told(before: Told | None, found: list[types.Diagnostic]) -> Told:
    """What is said of a file, the same object where that is what was said before."""
    return before if before is not None and before.diagnostics == found else Told(uuid4().hex, found)


def _file_of(error: SettingsError | PageError) -> str:
    """The file that is wrong, or ""."""
    return error.path if isinstance(error, PageError) else error.file


def _placed(folder: Folder, path: str) -> str:
    """Where a settings file lies that an error names, as it does, from the working directory."""
    given = os.path.abspath(path) if path else ""
    return given if given and os.path.exists(given) else os.path.join(folder.project.root, path or "pyproject.toml")


def _plain_range(span: Any) -> types.Range:
    return types.Range(types.Position(span.line - 1, span.column - 1), types.Position(span.end_line - 1, span.end_column - 1))


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
    listed = (finding for finding, _ in folder.findings_in(path))
    ranges = ((range_of(each.span, document.lines, document.position_codec), each) for each in listed)
    found = [(where.end.line - where.start.line, where.end.character, each.code) for where, each in ranges if covers(where, position)]
    return server.rule(min(found)[2]) if found else None


def made() -> Server:
    """A server with all of its features."""
    server = Server()

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        if isinstance(params.initialization_options, dict):
            server.options.update(params.initialization_options.get("settings", params.initialization_options))
        # The text of documents as the protocol cuts it into lines.
        server.protocol._workspace = Workspace.like(server.workspace, params.workspace_folders or ())
        capabilities = params.capabilities.text_document
        server.pulls = capabilities is not None and capabilities.diagnostic is not None

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        for folder in server.workspace.folders.values():
            path = path_of(folder.uri)
            if path is not None:
                server.folders.add(path, is_workspace=True)
        if not server.workspace.folders and server.workspace.root_path:
            server.folders.add(server.workspace.root_path, is_workspace=True)
        for each in server.folders:
            server.check_whole(each)
        watching = server.client_capabilities.workspace and server.client_capabilities.workspace.did_change_watched_files
        if watching and watching.dynamic_registration:
            watchers = [types.FileSystemWatcher(pattern) for pattern in _WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            registration = types.Registration("prodlint-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            await server.client_register_capability_async(types.RegistrationParams([registration]))

    @server.feature(types.SHUTDOWN)
    async def shutdown(params: None) -> None:
        await server.end_all()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def did_open(params: types.DidOpenTextDocumentParams) -> None:
        server.check(params.text_document.uri)
        server.audit_soon(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def did_change(params: types.DidChangeTextDocumentParams) -> None:
        if server.options.get("run", "onType") != "onSave":
            server.check_soon(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def did_save(params: types.DidSaveTextDocumentParams) -> None:
        path = path_of(params.text_document.uri)
        if path is None:
            return
        folder = server.folders.of(path)
        server.keep(server.main.do(partial(folder.project.changed, [path])))
        server.check_whole(folder)
        server.check(params.text_document.uri)
        server.audit_soon(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def did_close(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        for task in (server.waiting.pop(uri, None), server.asking.get(f"audit {uri}")):
            if task is not None:
                task.cancel()
        server.audited.pop(uri, None)
        server.looks.drop(unquote(uri))
        path = path_of(uri)
        if path is None:
            return
        folder = server.folders.of(path)
        is_saved = folder.project.is_saved(path)
        server.keep(server.main.do(partial(folder.project.close, path)))
        folder.said.pop(path, None)
        if not server.pulls:
            server.publish(folder, uri_of(path))
        if not is_saved:
            server.check_whole(folder)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)
    async def notebook_opened(params: types.DidOpenNotebookDocumentParams) -> None:
        server.check(params.notebook_document.uri)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
    async def notebook_changed(params: types.DidChangeNotebookDocumentParams) -> None:
        if server.options.get("run", "onType") != "onSave":
            server.check_soon(params.notebook_document.uri)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_SAVE)
    async def notebook_saved(params: types.DidSaveNotebookDocumentParams) -> None:
        server.check(params.notebook_document.uri)

    @server.feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
    async def notebook_closed(params: types.DidCloseNotebookDocumentParams) -> None:
        uri = params.notebook_document.uri
        path = path_of(uri)
        if path is not None:
            server.keep(server.main.do(partial(server.folders.of(path).project.close, path)))
        for address in server.of_cells.pop(uri, {}):
            if not server.pulls:
                server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(address, []))

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
        uris = [change.uri for change in params.changes]
        _forget(server, uris)
        # What is open is saved by the client itself, which says so.
        beside = {id(folder): folder for folder in (server.folders.of(path) for path in map(path_of, uris) if path is not None)}
        if not all(map(server.is_open, uris)):
            for folder in beside.values():
                if folder.is_checked_as_a_whole():
                    folder.check.changed_beside()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configuration_changed(params: types.DidChangeConfigurationParams) -> None:
        if isinstance(params.settings, dict):
            given = params.settings.get("prodlint", params.settings)
            if isinstance(given, dict):
                server.options.update(given)
        _forget(server, ())

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def folders_changed(params: types.DidChangeWorkspaceFoldersParams) -> None:
        for closed in params.event.removed:
            path = path_of(closed.uri)
            gone = server.folders.remove(path) if path is not None else None
            if gone is not None:
                server.keep(gone.check.close())
                told, gone.told = gone.told, {}
                for uri in told if not server.pulls else ():
                    server.publish(gone, uri)
        for opened in params.event.added:
            path = path_of(opened.uri)
            if path is not None:
                server.check_whole(server.folders.add(path, is_workspace=True))

    @server.feature(
        types.TEXT_DOCUMENT_DIAGNOSTIC,
        types.DiagnosticOptions(inter_file_dependencies=True, workspace_diagnostics=True, identifier="prodlint"),
    )
    async def pull(params: types.DocumentDiagnosticParams) -> types.RelatedFullDocumentDiagnosticReport:
        document = server.workspace.get_text_document(params.text_document.uri)
        while (found := await server.diagnostics_of(document)) is None:
            pass  # somebody has typed meanwhile: what is answered is of the newer text
        return types.RelatedFullDocumentDiagnosticReport(found)

    @server.feature(types.WORKSPACE_DIAGNOSTIC)
    async def pull_all(params: types.WorkspaceDiagnosticParams) -> types.WorkspaceDiagnosticReport:
        folders = [folder for folder in server.folders if folder.is_checked_as_a_whole()]
        token = params.work_done_token if folders else None
        if token is not None:
            folders[0].check.shown.add(token)
        try:
            await asyncio.gather(*(folder.check.settled() for folder in folders))
        finally:
            if token is not None:
                folders[0].check.shown.remove(token)
        items = _reports(server, folders, {each.uri: each.value for each in params.previous_result_ids})
        if params.partial_result_token is None:
            return types.WorkspaceDiagnosticReport(items)
        for start in range(0, len(items), _PART):
            part = types.WorkspaceDiagnosticReportPartialResult(items[start : start + _PART])
            server.progress(types.ProgressParams(params.partial_result_token, part))
        return types.WorkspaceDiagnosticReport([])

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
            baseline = checked is not None and bool(checked.result.settings.baseline)
            for finding, whole in folder.findings_in(path):
                told = server.in_document(folder, finding, document)
                if overlaps(told.range, params.range):
                    made_.extend(actions.offered(finding, told, document.uri, document.version, baseline, whole))
            if audit.is_checklist(document):
                made_.extend(audit.actions_of(folder, server.audited.get(document.uri, ()), document, params.range))
        if wanted is None or any(actions.FIX_ALL.startswith(kind) for kind in wanted):
            data: dict[str, Any] = {"uri": document.uri, "verb": "fix-all", "finding": [], "version": document.version}
            made_.append(types.CodeAction("prodlint: Fix all that is safe to fix", kind=actions.FIX_ALL, data=data))
        return made_

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolve(action: types.CodeAction) -> types.CodeAction:
        data = action.data
        if not isinstance(data, dict):
            return action
        path = path_of(data["uri"])
        if path is None:
            return action
        document = server.workspace.get_text_document(data["uri"])
        folder = server.folders.of(path)
        text = document.source
        if data["verb"] == "fix-all":
            action.edit = await server.main.do(partial(actions.all_safe, folder, path, text))
        elif data.get("whole") and data["verb"] == "settings":
            action.edit = actions.in_the_settings(data["finding"][0], path, folder.project.root)
        elif data.get("whole"):
            job = replace(server.job(folder, "fix"), finding=(data["finding"], data["verb"]))
            changes = await server.ask(f"fix {folder.project.root}", job, "prodlint: fix")
            action.edit = actions.as_edit(changes, folder.project.root) if isinstance(changes, Changes) else None
        else:
            action.edit = await server.main.do(partial(actions.resolved, folder, path, data, text))
        if document.source != text:
            action.edit = None  # somebody has typed meanwhile
        if action.edit is not None:
            action.edit = actions.for_client(action.edit, server.client_capabilities)
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
    async def report(root: str = "") -> str:
        folder = _folder(server, root)
        answer = await server.ask(f"report {root}", server.job(folder, "report"), "prodlint: readiness report")
        return _text(server, folder, answer)

    @server.command("prodlint.audit")
    async def audit_checklist(uri: str) -> str:
        told = await server.audit_now(uri)
        if told is None:
            return (
                ""
                if server.document(uri) is not None and audit.is_checklist(server.workspace.get_text_document(uri))
                else "this is no checklist"
            )
        belied = sum(each.judged.judgement == "belied" for each in told)
        return f"{belied} belied, {len(told) - belied} open but met"

    @server.command("prodlint.writeBaseline")
    async def write_baseline(root: str = "") -> str:
        folder = _folder(server, root)
        answer = await server.ask(f"baseline {root}", server.job(folder, "baseline"), "prodlint: baseline")
        if isinstance(answer, str):
            _forget(server, [uri_of(answer)])
            server.check_whole(folder)
        return _text(server, folder, answer)

    @server.command(actions.ADD_TO_BASELINE)
    async def add_to_baseline(uri: str, key: list[Any]) -> str:
        path = path_of(uri)
        if path is None:
            return ""
        known = await server.main.do(partial(actions.added_to_baseline, server.folders.of(path), path, key))
        _forget(server, [uri])
        return known

    return server


def _folder(server: Server, root: str) -> Folder:
    """The folder that a command names, or the first."""
    return server.folders.add(root) if root else next(iter(server.folders))


def _text(server: Server, folder: Folder, answer: Answer | None) -> str:
    """The answer to a command; nothing where there is none."""
    if isinstance(answer, Wrong):
        server.window_show_message(types.ShowMessageParams(types.MessageType.Error, answer.words))
    return answer if isinstance(answer, str) else ""


def _reports(server: Server, folders: Iterable[Folder], known: dict[str, str]) -> list[types.WorkspaceDocumentDiagnosticReport]:
    """What the last checks of folders say of the files that are not open. known: by address, what the client has been told already."""
    told = {uri: each for folder in folders for uri, each in folder.told.items() if not server.is_open(uri)}
    items: list[types.WorkspaceDocumentDiagnosticReport] = []
    for uri, each in sorted(told.items()):
        if known.get(uri) == each.id:
            items.append(types.WorkspaceUnchangedDocumentDiagnosticReport(uri, each.id, None))
        else:
            items.append(types.WorkspaceFullDocumentDiagnosticReport(uri, each.diagnostics, None, result_id=each.id))
    gone = (uri for uri in sorted(known) if uri not in told and not server.is_open(uri))
    items.extend(types.WorkspaceFullDocumentDiagnosticReport(uri, [], None) for uri in gone)
    return items


def _forget(server: Server, uris: Iterable[str]) -> None:
    """Files were changed by somebody else: what was known of their projects is read anew, and open documents are looked at again."""
    paths = [path for path in map(path_of, uris) if path is not None]
    for folder in {id(folder): folder for folder in (map(server.folders.of, paths) if paths else server.folders)}.values():
        server.keep(server.main.do(partial(folder.project.changed, paths)))
    server.check_again()
