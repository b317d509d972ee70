"""The kind of a file, by its name and its first line."""

from __future__ import annotations

import re
from typing import get_args

from prodlint.facts import FileKind

KINDS: tuple[FileKind, ...] = get_args(FileKind)
_EXTENSIONS: dict[str, FileKind] = {
    ".py": "python",
    ".pyi": "python",
    ".pyw": "python",
    ".wsgi": "python",
    ".ipynb": "notebook",
    ".dockerfile": "dockerfile",
    ".containerfile": "dockerfile",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".jsonc": "json",
    ".tfstate": "json",
    ".tf": "hcl",
    ".tofu": "hcl",
    ".tfvars": "hcl",
    ".tfbackend": "hcl",
    ".nomad": "hcl",
    ".hcl": "hcl",
    ".toml": "toml",
    ".ini": "ini",
    ".cfg": "ini",
    ".properties": "ini",
    ".env": "env",
    ".sh": "shell",
    ".bash": "shell",
    ".zsh": "shell",
    ".ksh": "shell",
    ".mk": "makefile",
    ".service": "systemd",
    ".container": "systemd",
    ".nginx": "nginx",
    ".vhost": "nginx",
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdx": "markdown",
    ".sql": "sql",
}
_EXTENSIONS.update(
    dict.fromkeys(
        (
            # Read for credentials with a vendor's format only.
            ".adoc .asc .bat .c .cc .cpp .crt .css .csv .diff .h .har .hpp .jsonl .log .ndjson .patch .pub .scss .svg .tsv .cjs .cmd .cnf .conf .config .cs .dart .erb .ex .exs .go .gradle .graphql .groovy .htm .html .http"
            " .j2 .java .jinja .jinja2 .js .json5 .jsx .kt .kts .key .lua .mjs .p8 .pem .php .pl .plist .ppk .ps1 .psm1 .pyx .r .rb"
            " .rest .rs .rst .scala .svelte .swift .tmpl .template .tpl .ts .tsx .txt .vue .xml"
            " .aspx .astro .bicep .bicepparam .clj .coffee .cshtml .cts .cue .ejs .eml .feature .fish .fs .haml .hbs .hs .jl .jsonnet .jsp .ldif"
            " .libsonnet .liquid .mts .mustache .ovpn .phtml .pm .prisma .proto .psd1 .pug .razor .reg .rego .robot .sbt .twig .vb .vbs"
        ).split(),
        "text",
    )
)
# Whole names, in lower case.
_NAMES: dict[str, FileKind | None] = {
    ".bash_profile": "shell",
    ".bashrc": "shell",
    ".bash_history": "text",
    ".boto": "ini",
    ".condarc": "yaml",
    ".coveragerc": "ini",
    ".curlrc": "text",
    ".dev.vars": "env",
    ".dockercfg": "json",
    ".dockerconfigjson": "json",
    ".dockerignore": "ignore",
    ".env": "env",
    ".envrc": "shell",
    ".flaskenv": "env",
    ".gcloudignore": "ignore",
    ".git-credentials": "text",
    ".gitconfig": "text",
    ".gitignore": "ignore",
    ".gitmodules": "text",
    ".helmignore": "ignore",
    ".htpasswd": "text",
    ".mysql_history": "text",
    ".netrc": "text",
    "_netrc": "text",
    ".npmignore": "ignore",
    ".npmrc": "text",
    ".pgpass": "text",
    ".profile": "shell",
    ".psql_history": "text",
    ".python_history": "text",
    ".pypirc": "ini",
    ".s3cfg": "ini",
    ".secrets": "env",
    ".vault-token": "text",
    ".yarnrc": "text",
    ".zsh_history": "text",
    ".zshrc": "shell",
    "bun.lock": None,
    "caddyfile": "text",
    "cargo.lock": "text",
    "cdk.context.json": None,
    ".python-version": "text",
    "codemeta.json": None,
    "composer.lock": "text",
    "composer.json": "json",
    "crontab": "text",
    "containerfile": "dockerfile",
    "deno.lock": None,
    "dockerfile": "dockerfile",
    "flake.lock": None,
    "fstab": "text",
    "gemfile": "text",
    "gnumakefile": "makefile",
    "id_dsa": "text",
    "id_ecdsa": "text",
    "id_ed25519": "text",
    "id_rsa": "text",
    "jenkinsfile": "jenkinsfile",
    "justfile": "text",
    "makefile": "makefile",
    "kubeconfig": "yaml",
    "npm-shrinkwrap.json": "text",
    "package-lock.json": "text",
    "pdm.lock": "lock",
    "pip.conf": "ini",
    "pip.ini": "ini",
    "pipfile": "toml",
    "pipfile.lock": "lock",
    "pixi.lock": None,
    "pnpm-lock.yaml": "text",
    "poetry.lock": "lock",
    "procfile": "procfile",
    "pylock.toml": "lock",
    "readme": "markdown",
    "tiltfile": "text",
    "uv.lock": "lock",
    "vagrantfile": "text",
    "yarn.lock": "text",
}
# Endings that say "a copy to fill in" or "the one before": what is inside is named by the rest.
_COPIES = frozenset((".example", ".sample", ".dist", ".bak", ".backup", ".orig", ".old", ".save", ".default", ".defaults"))
# Endings of templates: the readers of these kinds bear template syntax, others would see a broken file.
_TEMPLATES = frozenset((".template", ".tmpl", ".tpl", ".j2", ".jinja", ".jinja2", ".erb", ".tftpl", ".in"))
_BEAR_TEMPLATES = frozenset(("yaml", "env", "dockerfile", "nginx", "shell", "requirements", "makefile", "procfile", "systemd", "text"))
_REQUIREMENTS = re.compile(r"(?:^|[-_.])(?:requirements?|constraints?|reqs)(?:[-_.]|$)")
_SERVERS = frozenset(("nginx", "conf.d", "sites-available", "sites-enabled"))
# Extensions that settle the kind whatever the rest of the name is; None where such files are not read.
PLAIN_KINDS: dict[str, FileKind | None] = {
    extension: kind
    for extension, kind in _EXTENSIONS.items()
    if extension
    in (".py", ".pyi", ".ipynb", ".sh", ".md", ".ts", ".tsx", ".jsx", ".vue", ".go", ".rs", ".java", ".html", ".rst", ".tf", ".sql")
} | dict.fromkeys(".png .jpg .jpeg .gif .ico .webp .pdf .less .woff .woff2 .ttf .eot .map .snap .po .mo .pyc .so .zip .gz .whl".split())


def kind_of(path: str) -> FileKind | None:
    """The kind of a file by its name, or None where prodlint does not read such files."""
    name = path[path.rfind("/") + 1 :]
    extension = name[name.rfind(".") :] if "." in name else ""
    if extension == ".py":
        return "python"
    return kind_named(path, name.lower())


# `web.env.prod`: what may stand behind `.env` besides a file's ending.
_STAGES = frozenset(("prod", "production", "staging", "stage", "live", "local", "dev", "development"))


# Folders whose JSON is texts by name, in many languages: read for vendors' keys and URLs, like any text. (A third of the
# time on a tree with 25,000 such files went into taking them apart.)
_TRANSLATIONS = frozenset(("translations", "locales", "i18n", "l10n"))


def kind_named(path: str, name: str) -> FileKind | None:
    if name in _NAMES:
        return _NAMES[name]
    stem, dot, last = name.rpartition(".")
    extension = dot + last
    if stem and extension in _COPIES:
        return kind_named(path, stem)
    if stem and extension in _TEMPLATES and not (extension == ".in" and _REQUIREMENTS.search(stem)):
        inner = kind_named(path, stem)
        if extension == ".in":
            return inner
        return inner if inner in _BEAR_TEMPLATES else "text"
    if name.startswith(".dev.vars."):
        return "env"  # wrangler's, one for each environment
    if ".env." in name and last in _STAGES:
        return "env"
    if (
        name.startswith((".env.", ".env-", ".env_", "env."))
        and extension not in PLAIN_KINDS
        and extension not in (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".jsx", ".go", ".rb", ".json", ".yaml", ".yml")
        # `env.hcl` of Terragrunt, `env.toml`: a language of its own.
        and _EXTENSIONS.get(extension) not in ("hcl", "toml", "ini", "json", "yaml", "python", "shell")
    ):
        return "env"
    if name.startswith(("dockerfile.", "dockerfile-", "dockerfile_", "containerfile.")) and extension not in (
        ".md",
        ".py",
        ".sh",
        ".dockerignore",
    ):
        return "dockerfile"
    if extension == ".dockerignore":
        return "ignore"
    if not dot and name.endswith(("dockerfile", "containerfile")):
        return "dockerfile"
    if name.startswith("pylock.") and extension == ".toml":
        return "lock"
    if name.startswith(("procfile.", "procfile-")):
        return "procfile"
    if name.startswith(("jenkinsfile.", "jenkinsfile-")):
        return "jenkinsfile"
    if name.startswith("makefile."):
        return "makefile"
    if extension in (".txt", ".in", ".pip", ".lock") and (_REQUIREMENTS.search(stem) or "/requirements/" in f"/{path.lower()}"):
        return "requirements"
    if extension == ".conf":
        return _kind_of_conf(path.lower(), stem)
    if name.endswith((".min.js", ".min.mjs", ".min.cjs", ".bundle.js", ".chunk.js", "-lock.json", ".lock.json")):
        return "text"
    kind = _EXTENSIONS.get(extension)
    if kind == "json" and not _TRANSLATIONS.isdisjoint(path.lower().split("/")[:-1]):
        return "text"
    if kind is None and not stem and name.startswith("docker-entrypoint"):
        return "shell"
    if kind is None and name == "credentials" and "/.aws/" in f"/{path}":
        return "ini"
    if kind is None and not dot and "/cron.d/" in f"/{path}":
        return "text"
    if kind is None and name == "config" and "/.kube/" in f"/{path}":
        return "yaml"
    if kind is None and not dot and (_NAMED_FOR_SECRETS.search(name) or name in ("hosts", "inventory", "hub")):
        return "text"
    return kind


# Files without an extension that are called after what they hold: `deploy_key`, `token`, `db-password`.
_NAMED_FOR_SECRETS = re.compile(r"(?:^|[-_])(?:keys?|private|secrets?|credentials?|creds|tokens?|passwords?|passphrase|passwd|pem)\Z")


def _kind_of_conf(path: str, stem: str) -> FileKind:
    if stem.startswith("supervisor") or "/supervisor" in f"/{path}" or stem in ("logging", "alembic", "uwsgi"):
        return "ini"
    if "nginx" in stem or _SERVERS.intersection(path.split("/")[:-1]):
        return "nginx"
    return "text"


_SHEBANGS: tuple[tuple[re.Pattern[bytes], FileKind], ...] = (
    (re.compile(rb"#!.*\b(?:python[\d.]*|pypy[\d.]*|uv run)\b"), "python"),
    (re.compile(rb"#!.*\b(?:bash|sh|dash|zsh|ksh|ash)\b"), "shell"),
)


def kind_by_shebang(head: bytes) -> FileKind | None:
    """The kind of a script without an extension, by its first line."""
    if not head.startswith(b"#!"):
        return None
    line = head.split(b"\n", 1)[0][:200]
    for regex, kind in _SHEBANGS:
        if regex.match(line):
            return kind
    return None
