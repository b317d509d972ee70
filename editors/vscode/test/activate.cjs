// Runs the bundled extension without VS Code, against a stand-in for its API: it registers its commands, starts the real server, and stops it.
// node test/activate.cjs PRODLINT
const fs = require("node:fs");
const path = require("node:path");
const Module = require("node:module");
const childProcess = require("node:child_process");
const assert = require("node:assert");

const [, , prodlint] = process.argv;
const EXTENSION = path.join(__dirname, "..", "dist", "extension.js");
const TYPES = path.join(__dirname, "..", "node_modules", "@types", "vscode", "index.d.ts");
const described = JSON.parse(fs.readFileSync(path.join(__dirname, "..", "package.json"), "utf8")).contributes;

const commands = new Map();
const started = [];
const said = [];
const nothing = () => ({ dispose() {} });
const statusItem = { show() {}, hide() {}, dispose() {} };
const channel = { append() {}, appendLine() {}, show() {}, clear() {}, dispose() {} };

/** Something that can be called, constructed and asked for anything. */
function anything() {
  const known = {};
  return new Proxy(function () {}, {
    get: (target, name) => {
      if (name === "prototype") return target.prototype;
      if (name === "then") return undefined;
      if (name === Symbol.toPrimitive) return () => "";
      if (name === Symbol.iterator) return function* () {};
      return (known[name] ??= anything());
    },
    set: (_, name, value) => ((known[name] = value), true),
    apply: () => anything(),
    construct: (target, given, made) => Object.create(made.prototype ?? {}),
  });
}

/** The known parts of a namespace; each of its other functions gives something to dispose of. */
function namespace(known) {
  return new Proxy(known, { get: (target, name) => (name in target ? target[name] : nothing) });
}

function settings() {
  const defaults = described.configuration.properties;
  return { get: (name, otherwise) => (name === "path" ? prodlint : (defaults[`prodlint.${name}`]?.default ?? otherwise)) };
}

class EventEmitter {
  listeners = [];
  event = (listener) => (this.listeners.push(listener), nothing());
  fire(value) {
    this.listeners.forEach((listener) => listener(value));
  }
  dispose() {}
}

class CancellationTokenSource {
  token = { isCancellationRequested: false, onCancellationRequested: nothing };
  cancel() {}
  dispose() {}
}

const stand = {};
for (const [, name] of fs.readFileSync(TYPES, "utf8").matchAll(/export (?:class|enum|namespace) (\w+)/g)) {
  stand[name] = anything();
}
Object.assign(stand, {
  version: "1.95.0",
  EventEmitter,
  CancellationTokenSource,
  env: { appName: "stand-in", language: "en" },
  Uri: { parse: (text) => ({ scheme: "file", fsPath: text, toString: () => text }), file: (text) => ({ fsPath: text, toString: () => `file://${text}` }) },
  extensions: { getExtension: () => undefined },
  commands: { registerCommand: (name, run) => (commands.set(name, run), nothing()), executeCommand: async () => [] },
  languages: namespace({ createDiagnosticCollection: () => ({ set() {}, get() {}, delete() {}, clear() {}, dispose() {} }), match: () => 0 }),
  workspace: namespace({ getConfiguration: settings, workspaceFolders: undefined, textDocuments: [], notebookDocuments: [], fs: {} }),
  window: namespace({
    createOutputChannel: () => channel,
    createStatusBarItem: () => statusItem,
    showErrorMessage: async (words) => void said.push(words),
    showInformationMessage: async (words) => void said.push(words),
    activeTextEditor: undefined,
    visibleTextEditors: [],
    tabGroups: { all: [], onDidChangeTabs: nothing, onDidChangeTabGroups: nothing },
  }),
});

const load = Module._load;
Module._load = function (request, ...rest) {
  return request === "vscode" ? stand : load.call(this, request, ...rest);
};
const spawn = childProcess.spawn;
childProcess.spawn = function (command, given, options) {
  const process_ = spawn.call(this, command, given, options);
  started.push([command, given, process_]);
  return process_;
};

async function main() {
  const extension = require(EXTENSION);
  await extension.activate({ subscriptions: [] });
  for (const { command } of described.commands) {
    assert(commands.has(command), `${command} is not registered`);
  }
  assert.deepStrictEqual(started.map(([command, given]) => [command, given]), [[prodlint, ["server"]]]);
  assert.strictEqual(statusItem.text, "$(check) prodlint");
  // What the server itself offers has reached the client: it has answered `initialize`.
  assert(commands.has("prodlint.addToBaseline"));
  await commands.get("prodlint.auditChecklist")();
  assert.deepStrictEqual(said, ["prodlint: open a Markdown checklist first"]);
  await commands.get("prodlint.restart")();
  assert.strictEqual(started.length, 2);
  await extension.deactivate();
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
