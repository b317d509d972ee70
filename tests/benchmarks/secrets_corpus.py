"""Recall and precision of the secrets family on a generated corpus, side by side with detect-secrets.

    python -m tests.benchmarks.secrets_corpus [--misses]

Every value is synthetic: made by `sample_token` or by dice with a fixed seed, the same on every run. One file holds one
planted value or one look-alike; a planted value counts as found where a finding covers it (for detect-secrets: where
one stands on its line), a look-alike as a false alarm where there is any finding in its file.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from prodlint.checks.secrets.formats import FORMATS, Format, sample_token

SECRETS = "PRD101,PRD102,PRD103,PRD104,PRD105,PRD106,PRD108,PRD110,PRD111"


@dataclass(frozen=True)
class Case:
    """One file of the corpus: value is what must be found, "" for a look-alike that must not."""

    group: str
    path: str
    text: str
    value: str


# ---------------------------------------------------------------- planted: vendor formats


def _name(row: Format) -> str:
    return f"{row.after[0].replace('-', '_')}_key" if row.after else "client_value"


CARRIERS: Mapping[str, Callable[[str, str], tuple[str, str]]] = {
    "python": lambda name, token: ("service/client.py", f'{name} = "{token}"\n'),
    "comment": lambda name, token: ("service/notes.py", f"# {name}: {token}\nx = 1\n"),
    "yaml": lambda name, token: ("config/settings.yaml", f"client:\n  {name}: {token}\n"),
    "json": lambda name, token: ("config/settings.json", f'{{"client": {{"{name}": "{token}"}}}}\n'),
    "dockerfile": lambda name, token: ("Dockerfile", f"FROM python:3.13-slim\nENV {name.upper()} {token}\n"),
    "markdown": lambda name, token: ("README.md", f"Set `{name}={token}` and start.\n"),
}


def vendor_cases() -> Iterator[Case]:
    """Every secret format in every carrier."""
    for row in FORMATS:
        if row.kind not in ("secret", "low"):
            continue
        for write in CARRIERS.values():
            token = sample_token(row.name, 1)
            path, text = write(_name(row), token)
            yield Case(f"format {row.name}", path, text, token)


# ---------------------------------------------------------------- planted: named values in Python


def _dice(*seed: object) -> random.Random:
    return random.Random("prodlint corpus " + " ".join(map(str, seed)))


_ALPHABETS = {
    "base 62": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    "hex": "0123456789abcdef",
    "digits": "0123456789",
}
_SYLLABLES = "ba be bi bo bu da de di do du ka ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no nu ra re ri ro ru sa se si so su ta te ti to tu".split()


def _value(shape: str, seed: int) -> str:
    dice = _dice(shape, seed)
    if shape == "base 62":
        return "".join(dice.choice(_ALPHABETS[shape]) for _ in range(28))
    if shape == "hex":
        return "".join(dice.choice(_ALPHABETS[shape]) for _ in range(40))
    if shape == "base 64":
        import base64

        return base64.b64encode(dice.randbytes(31)).decode()
    if shape == "uuid":
        digits = "".join(dice.choice(_ALPHABETS["hex"]) for _ in range(32))
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
    if shape == "typed":
        word = "".join(dice.choice(_SYLLABLES) for _ in range(3)).capitalize()
        return f"{word}{dice.choice('!$&?')}{dice.randrange(10, 99)}{dice.choice('#*+')}"
    words = ["".join(dice.choice(_SYLLABLES) for _ in range(3)) for _ in range(4)]
    return "-".join(words)


SHAPES = ("base 62", "hex", "base 64", "uuid", "typed", "passphrase")

POSITIONS: Mapping[str, str] = {
    "assign": 'DB_PASSWORD = "{}"',
    "annotated": 'db_password: str = "{}"',
    "unpacked": 'user, password = "app", "{}"',
    "dict key": 'config = {{"user": "app", "password": "{}"}}',
    "subscript": 'config["db_password"] = "{}"',
    "compare": 'ok = password == "{}"',
    "default": 'def connect(host, password="{}"):\n    return host',
    "keyword": 'connect("db", password="{}")',
    "field": 'class Settings:\n    client_secret: str = field(default="{}")',
    "class attribute": 'class Client:\n    password = "{}"',
    "f-string part": 'password = f"{}{{suffix}}"',
    "url userinfo": 'url = "postgresql://app:{}@db.internal/app"',
    "bytes": 'password = b"{}"',
    "concatenation": 'password = "{}" "{}"',
}


def position_cases() -> Iterator[Case]:
    """Fourteen positions in Python, six shapes of values, three values each."""
    for position, template in POSITIONS.items():
        for shape in SHAPES:
            for seed in range(3):
                value = _value(shape, seed)
                if position == "url userinfo":
                    value = value.replace("/", "_").replace("#", "%23").replace("?", "%3F").replace("+", "-")
                if position == "concatenation":
                    half = len(value) // 2
                    text = template.format(value[:half], value[half:])
                    value = value[:half]
                else:
                    text = template.format(value)
                yield Case(f"position {position}", "app.py", text + "\n", value)


# ---------------------------------------------------------------- planted: configuration

_CONFIGURATION: Mapping[str, tuple[str, str]] = {
    "compose map": ("compose.yaml", "services:\n  db:\n    image: postgres:17\n    environment:\n      POSTGRES_PASSWORD: {}\n"),
    "compose list": ("compose.yaml", "services:\n  db:\n    image: postgres:17\n    environment:\n      - POSTGRES_PASSWORD={}\n"),
    "compose fallback": (
        "compose.yaml",
        "services:\n  web:\n    image: app:1\n    environment:\n      DB_PASSWORD: ${{DB_PASSWORD:-{}}}\n",
    ),
    "dockerfile env": ("Dockerfile", "FROM python:3.13-slim\nENV DB_PASSWORD={}\n"),
    "dockerfile env, old form": ("Dockerfile", "FROM python:3.13-slim\nENV DB_PASSWORD {}\n"),
    "dockerfile arg": ("Dockerfile", "FROM python:3.13-slim\nARG API_TOKEN={}\n"),
    "kubernetes pair": (
        "k8s/web.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n    - name: web\n      env:\n        - name: DB_PASSWORD\n          value: {}\n",
    ),
    "kubernetes secret": ("k8s/secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {{name: web}}\nstringData:\n  db-password: {}\n"),
    "helm values": ("charts/web/values.yaml", "postgresql:\n  auth:\n    password: {}\n"),
    "toml": ("config.toml", '[database]\npassword = "{}"\n'),
    "ini": ("service.ini", "[smtp]\npassword = {}\n"),
    "json": ("appsettings.json", '{{"Payments": {{"ClientSecret": "{}"}}}}\n'),
    "yaml": ("config/app.yaml", "mail:\n  smtp_password: {}\n"),
    "properties": ("app.properties", "db.password={}\n"),
    "workflow": (
        ".github/workflows/ci.yml",
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    env:\n      DEPLOY_TOKEN: {}\n    steps: []\n",
    ),
    "npmrc": (".npmrc", "//npm.internal/:_authToken={}\n"),
    "netrc": (".netrc", "machine git.internal login ci password {}\n"),
    "pypirc": (".pypirc", "[internal]\nusername = ci\npassword = {}\n"),
    "shell": ("deploy.sh", "#!/bin/sh\nexport DB_PASSWORD={}\n"),
    "flag": ("deploy.sh", "#!/bin/sh\nclient --password={} --host db\n"),
    "getenv": ("app.py", 'import os\nJWT_SECRET = os.getenv("JWT_SECRET", "{}")\n'),
    "or": ("app.py", 'import os\nJWT_SECRET = os.environ.get("JWT_SECRET") or "{}"\n'),
}


def configuration_cases() -> Iterator[Case]:
    """The same kinds of values in configuration files, and as fallbacks."""
    for place, (path, template) in _CONFIGURATION.items():
        for shape in ("base 62", "hex", "base 64", "uuid"):
            for seed in range(2):
                value = _value(shape, 100 + seed)
                yield Case(f"config {place}", path, template.format(value), value)


# ---------------------------------------------------------------- planted: what only a name beside the value tells

_GUESTS: Mapping[str, tuple[str, str, int]] = {
    "cloudant": ("cloudant_password", "0123456789abcdef", 64),
    "softlayer": ("softlayer_api_key", "0123456789abcdefghijklmnopqrstuvwxyz", 64),
    "ibm cloud": ("ibm_cloud_api_key", _ALPHABETS["base 62"], 44),
    "ibm object storage": ("ibm_cos_hmac_secret_access_key", "0123456789abcdef", 48),
}


def guest_cases() -> Iterator[Case]:
    """Keys that detect-secrets' detectors know, in prose and comments, where no other rule looks at names."""
    for vendor, (name, alphabet, length) in _GUESTS.items():
        for seed in range(5):
            dice = _dice(vendor, seed)
            value = "".join(dice.choice(alphabet) for _ in range(length))
            yield Case(f"guest {vendor}", "README.md", f'Start with {name} = "{value}" set.\n', value)
            yield Case(f"guest {vendor}", "app.py", f'# {name} = "{value}"\n', value)


# ---------------------------------------------------------------- look-alikes


def _hex(dice: random.Random, length: int) -> str:
    return "".join(dice.choice("0123456789abcdef") for _ in range(length))


def _alnum(dice: random.Random, length: int) -> str:
    return "".join(dice.choice(_ALPHABETS["base 62"]) for _ in range(length))


def _b64(dice: random.Random, length: int) -> str:
    import base64

    return base64.b64encode(dice.randbytes(length)).decode()


_NAMES = (
    "billing catalog checkout delivery export gateway inventory ledger mailer notify orders payments reports search shipping users".split()
)

Maker = Callable[[random.Random, str], tuple[str, str]]

LOOK_ALIKES: Mapping[str, Maker] = {
    "digest constant": lambda d, n: ("app.py", f'{n.upper()}_SHA256 = "{_hex(d, 64)}"\n'),
    "digest compared": lambda d, n: ("app.py", f'ok = digest == "{_hex(d, 40)}"\n'),
    "etag": lambda d, n: ("app.py", f'etag = "{_hex(d, 32)}"\n'),
    "uuid id": lambda d, n: ("app.py", f'{n.upper()}_TENANT_ID = "{_value("uuid", d.randrange(9999))}"\n'),
    "subresource integrity": lambda d, n: ("index.html", f'<script src="/{n}.js" integrity="sha384-{_b64(d, 48)}"></script>\n'),
    "poetry lock": lambda d, n: ("poetry.lock", f'[[package]]\nname = "{n}"\nversion = "1.0"\nfiles = [{{file = "{n}.whl", hash = "sha256:{_hex(d, 64)}"}}]\n'),
    "requirements hash": lambda d, n: ("requirements.txt", f"{n}==1.0 --hash=sha256:{_hex(d, 64)}\n"),
    "translations": lambda d, n: ("locales/de.json", f'{{"{n}": {{"password": "Passwort", "api_key": "API-Schlüssel für {n}", "token": "Zugriffstoken"}}}}\n'),
    "openapi schema": lambda d, n: (
        "openapi.yaml",
        f"openapi: 3.1.0\npaths: {{}}\ncomponents:\n  schemas:\n    {n.title()}:\n      properties:\n        password: {{type: string, example: {_alnum(d, 20)}}}\n",
    ),
    "json schema": lambda d, n: ("schema.json", f'{{"title": "{n}", "properties": {{"password": {{"type": "string"}}, "token": {{"$ref": "#/definitions/Token{n.title()}"}}}}}}\n'),
    "test vector": lambda d, n: ("tests/test_vectors.py", f'VECTOR_{n.upper()} = bytes.fromhex("{_hex(d, 64)}")\n'),
    "base64 image": lambda d, n: ("app.py", f'{n.upper()}_ICON = "data:image/png;base64,iVBORw0KGgo{_b64(d, 120)}"\n'),
    "identifier as api_key": lambda d, n: ("app.py", f'Sensor(key="{n}", api_key="{n}DailyTotalV{d.randrange(9)}")\n'),
    "password field": lambda d, n: ("app.py", f'PASSWORD_FIELD = "{n}-password-{d.randrange(9)}"\n'),
    "token url": lambda d, n: ("app.py", f'TOKEN_URL = "https://auth.{n}.internal/oauth2/v{d.randrange(9)}/token"\n'),
    "secret name": lambda d, n: ("app.py", f'SECRET_NAME = "projects/{n}/secrets/db-{_hex(d, 6)}"\n'),
    "placeholder": lambda d, n: ("app.py", f'API_KEY = "your-{n}-api-key-{d.randrange(9)}"\n'),
    "variable's name": lambda d, n: ("app.py", f'api_key = "{n.upper()}_API_KEY_{d.randrange(9)}"\n'),
    "enum": lambda d, n: ("app.py", f'class Grant(str, Enum):\n    PASSWORD = "password"\n    {n.upper()}_TOKEN = "{n}_token"\n'),
    "prose": lambda d, n: ("app.py", f'password = "The {n} password must have {d.randrange(8, 20)} characters"\n'),
    "masked": lambda d, n: ("app.py", f'{n}_password = "{"*" * d.randrange(4, 12)}"\n'),
    "read from env": lambda d, n: ("app.py", f'import os\n{n}_password = os.environ["{n.upper()}_PASSWORD"]\n'),
    "action pinned": lambda d, n: (".github/workflows/ci.yml", f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: {n}/token-action@{_hex(d, 40)}\n"),
    "workflow secret": lambda d, n: (".github/workflows/ci.yml", f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    env:\n      {n.upper()}_TOKEN: ${{{{ secrets.{n.upper()}_TOKEN }}}}\n    steps: []\n"),
    "image digest": lambda d, n: ("Dockerfile", f"FROM registry.internal/{n}@sha256:{_hex(d, 64)}\n"),
    "compose reference": lambda d, n: ("compose.yaml", f"services:\n  {n}:\n    image: {n}:1\n    environment:\n      DB_PASSWORD: ${{DB_PASSWORD:?set it}}\n      API_TOKEN_FILE: /run/secrets/{n}\n"),
    "migration": lambda d, n: ("migrations/versions/a.py", f'revision = "{_hex(d, 12)}"\ndown_revision = "{_hex(d, 12)}"\n'),
    "alphabet": lambda d, n: ("app.py", f'{n.upper()}_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz{"".join(map(str, range(d.randrange(5, 10))))}"\n'),
    "publishable key": lambda d, n: ("app.py", f'{n}_key = "{sample_token("stripe-publishable", d.randrange(99))}"\n'),
    "documented sample": lambda d, n: ("app.py", f'{n}_key_id = "AKIAIOSFODNN7EXAMPLE"\n'),
    "arn": lambda d, n: ("app.py", f'secret = "arn:aws:secretsmanager:eu-west-1:{d.randrange(10**11, 10**12)}:secret:{n}-{_alnum(d, 6)}"\n'),
    "page token": lambda d, n: ("app.py", f'next_page_token = "{_alnum(d, 24)}"\n'),
    "words in a slug": lambda d, n: ("app.py", f'slug = "task-{n}-risk-proj-{d.randrange(9)}"\n'),
    "empty value": lambda d, n: ("service.ini", f"[{n}]\npassword =\nhost = {_alnum(d, 16)}\n"),
    "public key": lambda d, n: ("key.pem", f"-----BEGIN PUBLIC KEY-----\n{_b64(d, 48)}\n{_b64(d, 40)}\n-----END PUBLIC KEY-----\n"),
    "url without password": lambda d, n: ("app.py", f'{n}_url = "https://{n}.internal:8443/@{_alnum(d, 12)}"\n'),
    "templated url": lambda d, n: ("app.py", f'url = f"postgresql://{n}:{{password}}@db/{n}"\n'),
    "bundle name": lambda d, n: ("app.py", f'script = "/static/{n}.{_hex(d, 20)}.js"\n'),
    "trace id": lambda d, n: ("app.py", f'headers = {{"traceparent": "00-{_hex(d, 32)}-{_hex(d, 16)}-01"}}\n'),
    "coordinates": lambda d, n: ("config.json", f'{{"{n}": {{"lat": {d.random()}, "commit": "{_hex(d, 40)}", "id": "{_alnum(d, 22)}"}}}}\n'),
}  # fmt: skip


def look_alikes() -> Iterator[Case]:
    """Some 600 things that look like secrets and are none."""
    for kind, make in LOOK_ALIKES.items():
        for index, name in enumerate(_NAMES):
            path, text = make(_dice(kind, index), name)
            yield Case(f"quiet {kind}", path, text, "")


def corpus() -> list[Case]:
    """The whole corpus, each case in a folder whose name says nothing."""
    cases = [*vendor_cases(), *position_cases(), *configuration_cases(), *guest_cases(), *look_alikes()]
    return [Case(case.group, f"case{number}/{case.path}", case.text, case.value) for number, case in enumerate(cases)]


# ---------------------------------------------------------------- the two scanners


def write(cases: list[Case], root: Path) -> None:
    """Lay the corpus out; a file a folder."""
    for case in cases:
        target = root / case.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(case.text, encoding="utf-8")


def with_prodlint(root: Path, *, exhaustive: bool = False) -> dict[str, list[tuple[int, int, str]]]:
    """path -> (first and last line, code) of the findings."""
    from prodlint.configuration.settings import Settings, with_arguments
    from prodlint.engine import session

    def finish(settings: Settings) -> Settings:
        return with_arguments(settings, select=SECRETS.split(","), respect_gitignore=False)

    result = session.run(session.Request([str(root)], isolated=True, finish=finish, root=str(root), jobs=1, exhaustive=exhaustive))
    if result.crashed:
        raise RuntimeError(sorted({why for outcome in result.outcomes for why in outcome.crashed}))
    found: dict[str, list[tuple[int, int, str]]] = {}
    for finding in result.report.findings:
        found.setdefault(finding.path, []).append((finding.span.line, finding.span.end_line, finding.code))
    return found


def with_detect_secrets(root: Path) -> dict[str, list[tuple[int, int, str]]]:
    """The same from detect-secrets with its default plugins and filters; nothing is verified."""
    from detect_secrets.core import scan
    from detect_secrets.settings import default_settings

    found: dict[str, list[tuple[int, int, str]]] = {}
    with default_settings():
        for path in sorted(root.rglob("*")):
            if path.is_file():
                for secret in scan.scan_file(str(path)):
                    found.setdefault(path.relative_to(root).as_posix(), []).append((secret.line_number, secret.line_number, secret.type))
    return found


# ---------------------------------------------------------------- the numbers


@dataclass
class Score:
    """What one scanner made of one group of cases."""

    planted: int = 0
    found: int = 0
    quiet: int = 0
    alarms: int = 0


def score(cases: list[Case], found: Mapping[str, list[tuple[int, int, str]]]) -> tuple[dict[str, Score], list[Case]]:
    """Scores by group, and the cases that went wrong."""
    scores: dict[str, Score] = {}
    wrong: list[Case] = []
    for case in cases:
        mine = scores.setdefault(case.group, Score())
        places = found.get(case.path, [])
        if case.value:
            line = next(number for number, text in enumerate(case.text.split("\n"), 1) if case.value in text)
            hit = any(first <= line <= last for first, last, _ in places)
            mine.planted += 1
            mine.found += hit
            if not hit:
                wrong.append(case)
        else:
            mine.quiet += 1
            mine.alarms += bool(places)
            if places:
                wrong.append(case)
    return scores, wrong


def total(scores: Mapping[str, Score], prefix: str = "") -> Score:
    """The sum over the groups that begin with a prefix."""
    result = Score()
    for group, mine in scores.items():
        if group.startswith(prefix):
            result.planted += mine.planted
            result.found += mine.found
            result.quiet += mine.quiet
            result.alarms += mine.alarms
    return result


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--misses", action="store_true", help="list what went wrong")
    parser.add_argument("--groups", action="store_true", help="one line a format, position and kind of look-alike")
    given = parser.parse_args(arguments)
    cases = corpus()
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        root = Path(folder)
        write(cases, root)
        results = {"prodlint": with_prodlint(root), "detect-secrets": with_detect_secrets(root)}
    tables = {name: score(cases, found) for name, found in results.items()}
    print(f"{len(cases)} files: {sum(bool(case.value) for case in cases)} planted, {sum(not case.value for case in cases)} look-alikes")
    for name, (scores, wrong) in tables.items():
        everything = total(scores)
        print(
            f"{name}: recall {everything.found / everything.planted:.1%}, precision {everything.found / max(1, everything.found + everything.alarms):.1%}"
        )
        for prefix in ("format", "position", "config", "guest"):
            part = total(scores, prefix)
            print(f"    {prefix}s: {part.found} of {part.planted} found")
        print(f"    look-alikes: {everything.alarms} of {everything.quiet} reported")
        if given.misses and name == "prodlint":
            for case in wrong:
                print(f"    {case.group}: {case.text.strip()[:150]!r}")
    if given.groups:
        mine, theirs = (tables[name][0] for name in ("prodlint", "detect-secrets"))
        for group, here in mine.items():
            there = theirs[group]
            print(
                f"{group:44} prodlint {here.found or here.alarms:3} detect-secrets {there.found or there.alarms:3} of {here.planted or here.quiet}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
