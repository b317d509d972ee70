// The extension finds prodlint, starts its language server and shows what it says. Everything else happens in the server.
import * as fs from "node:fs";
import * as path from "node:path";
import * as vscode from "vscode";
import { Diagnostic, DiagnosticSeverity, LanguageClient, LanguageClientOptions, ServerOptions } from "vscode-languageclient/node";

let client: LanguageClient | undefined;
let status: vscode.StatusBarItem;
let log: vscode.OutputChannel;

const LANGUAGES = ["python", "dockerfile", "yaml", "toml", "json", "ini", "properties", "dotenv", "shellscript", "makefile", "terraform", "markdown", "nginx", "plaintext"];
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
    documentSelector: LANGUAGES.map((language) => ({ scheme: "file", language })),
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

async function showReport(): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
  const html = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: "prodlint: readiness report" },
    () => client?.sendRequest<string>("workspace/executeCommand", { command: "prodlint.report", arguments: [folder] }) ?? Promise.resolve(""),
  );
  const panel = vscode.window.createWebviewPanel("prodlintReport", "Production readiness", vscode.ViewColumn.One, { enableScripts: true });
  panel.webview.html = html;
}

async function writeBaseline(): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
  const written = await client?.sendRequest<string>("workspace/executeCommand", { command: "prodlint.writeBaseline", arguments: [folder] });
  void vscode.window.showInformationMessage(`prodlint: ${written} is written`);
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
    vscode.commands.registerCommand("prodlint.restart", async () => {
      await client?.stop();
      await start();
    }),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}
