// The extension finds prodlint, starts its language server and shows what it says. Everything else happens in the server.
import * as fs from "node:fs";
import * as path from "node:path";
import * as vscode from "vscode";
import { Diagnostic, DiagnosticSeverity, LanguageClient, LanguageClientOptions, ServerOptions } from "vscode-languageclient/node";

let client: LanguageClient | undefined;
let status: vscode.StatusBarItem;
let log: vscode.OutputChannel;

const FIX_ALL = "source.fixAll.prodlint";
const SEVERITY_OF = { P0: DiagnosticSeverity.Error, P1: DiagnosticSeverity.Warning, P2: DiagnosticSeverity.Information } as const;

/** The command to run: the setting, else the one beside the selected interpreter, else the one on PATH. */
async function commandOf(): Promise<string> {
  const given = vscode.workspace.getConfiguration("prodlint").get<string>("path");
  if (given) {
    return given;
  }
  const python = vscode.extensions.getExtension("ms-python.python");
  if (python) {
    const api = await python.activate();
    const chosen: string | undefined = api?.environments?.getActiveEnvironmentPath?.()?.path;
    const beside = chosen && path.join(path.dirname(chosen), process.platform === "win32" ? "prodlint.exe" : "prodlint");
    if (beside && fs.existsSync(beside)) {
      return beside;
    }
  }
  return "prodlint";
}

/** Whether a diagnostic is important enough to be shown. */
function isShown(diagnostic: vscode.Diagnostic | Diagnostic): boolean {
  const least = vscode.workspace.getConfiguration("prodlint").get<"P0" | "P1" | "P2">("minPriority", "P2");
  const severity = (diagnostic.severity as number | undefined) ?? 0;
  // VS Code counts severities from 0, the protocol from 1.
  return diagnostic.source !== "prodlint" || severity <= SEVERITY_OF[least] - 1 || severity > SEVERITY_OF.P2 - 1;
}

async function start(): Promise<void> {
  const settings = vscode.workspace.getConfiguration("prodlint");
  if (!settings.get<boolean>("enable", true)) {
    status.hide();
    return;
  }
  const command = await commandOf();
  const server: ServerOptions = { command, args: ["server"] };
  const options: LanguageClientOptions = {
    // What a file is, the server tells by its name: what languages are called differs from one extension to the next.
    documentSelector: [{ scheme: "file" }],
    outputChannel: log,
    initializationOptions: { run: settings.get("run"), config: settings.get("config"), since: settings.get("since") },
    synchronize: { configurationSection: "prodlint" },
    middleware: {
      handleDiagnostics: (uri, diagnostics, next) => next(uri, diagnostics.filter(isShown)),
    },
  };
  client = new LanguageClient("prodlint", "prodlint", server, options);
  status.text = "$(check) prodlint";
  status.tooltip = command;
  status.command = "prodlint.showLog";
  status.show();
  try {
    await client.start();
  } catch (error) {
    status.text = "$(error) prodlint";
    void vscode.window.showErrorMessage(`prodlint could not be started as \`${command}\`: ${String(error)}. It needs \`prodlint[lsp]\`.`);
  }
}

/** The safe fixes of a document, where the settings want them with each save. */
async function fixesOf(document: vscode.TextDocument): Promise<vscode.TextEdit[]> {
  const whole = new vscode.Range(0, 0, document.lineCount, 0);
  const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>("vscode.executeCodeActionProvider", document.uri, whole, FIX_ALL, 1);
  return (actions ?? []).filter((action) => action.kind?.value === FIX_ALL).flatMap((action) => action.edit?.get(document.uri) ?? []);
}

function beforeSave(event: vscode.TextDocumentWillSaveEvent): void {
  const isWanted = vscode.workspace.getConfiguration("prodlint", event.document).get<boolean>("fixOnSave", false);
  if (isWanted && event.reason === vscode.TextDocumentSaveReason.Manual && client?.isRunning()) {
    event.waitUntil(fixesOf(event.document));
  }
}

/** Start again when somebody selects another interpreter: the prodlint beside it is another one. */
async function followInterpreter(context: vscode.ExtensionContext): Promise<void> {
  const api = await vscode.extensions.getExtension("ms-python.python")?.activate();
  const changed: vscode.Event<unknown> | undefined = api?.environments?.onDidChangeActiveEnvironmentPath;
  if (changed) {
    context.subscriptions.push(changed(restart));
  }
}

async function restart(): Promise<void> {
  await client?.stop();
  client = undefined;
  await start();
}

/** Whether a change of the settings is one that the server is started with. */
function needsRestart(event: vscode.ConfigurationChangeEvent): boolean {
  return ["prodlint.enable", "prodlint.path", "prodlint.config", "prodlint.since"].some((name) => event.affectsConfiguration(name));
}

async function auditChecklist(): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  if (!document || document.languageId !== "markdown") {
    void vscode.window.showInformationMessage("prodlint: open a Markdown checklist first");
    return;
  }
  const said = await client?.sendRequest<string>("workspace/executeCommand", { command: "prodlint.audit", arguments: [document.uri.toString()] });
  if (said) {
    void vscode.window.showInformationMessage(`prodlint: ${said}`);
  }
}

async function showReport(): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
  const html = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: "prodlint: readiness report" },
    () => client?.sendRequest<string>("workspace/executeCommand", { command: "prodlint.report", arguments: [folder] }) ?? Promise.resolve(""),
  );
  if (!html) {
    return; // it was stopped, or the server has said why
  }
  const panel = vscode.window.createWebviewPanel("prodlintReport", "Production readiness", vscode.ViewColumn.One, { enableScripts: true });
  panel.webview.html = html;
}

async function writeBaseline(): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
  const written = await client?.sendRequest<string>("workspace/executeCommand", { command: "prodlint.writeBaseline", arguments: [folder] });
  if (written) {
    void vscode.window.showInformationMessage(`prodlint: ${written} is written`);
  }
}

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  log = vscode.window.createOutputChannel("prodlint");
  status = vscode.window.createStatusBarItem(vscode.StatusBarAlignment.Right, 50);
  context.subscriptions.push(
    log,
    status,
    vscode.commands.registerCommand("prodlint.showReport", showReport),
    vscode.commands.registerCommand("prodlint.baseline", writeBaseline),
    vscode.commands.registerCommand("prodlint.showLog", () => log.show()),
    vscode.commands.registerCommand("prodlint.auditChecklist", auditChecklist),
    vscode.commands.registerCommand("prodlint.restart", restart),
    vscode.workspace.onWillSaveTextDocument(beforeSave),
    vscode.workspace.onDidChangeConfiguration((event) => (needsRestart(event) ? restart() : undefined)),
  );
  await start();
  await followInterpreter(context);
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}
