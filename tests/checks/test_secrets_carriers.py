"""Where secrets lie: one file for each carrier, with what must be found in it, and twins that hold none."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from prodlint.checks.secrets.formats import sample_token
from prodlint.configuration.settings import Settings, with_arguments
from prodlint.engine import session

SECRETS = "PRD101,PRD102,PRD103,PRD104,PRD105,PRD106,PRD108,PRD110,PRD111"
Found = dict[str, list[tuple[str, int]]]

SECRET = sample_token("random")
GITLAB = sample_token("gitlab")
PEM = sample_token("pem")


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ACCOUNT = json.dumps({"type": "service_account", "private_key": PEM, "client_email": "a@b.iam.gserviceaccount.com"})
NOTEBOOK = json.dumps(
    {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": 1,
                "metadata": {},
                "source": ["import os\n"],
                "outputs": [{"output_type": "stream", "name": "stdout", "text": [f"DB_PASSWORD={SECRET}\n"]}],
            }
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    },
    indent=1,
)
KUBERNETES = "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\ndata:\n"
KUBECONFIG = "apiVersion: v1\nkind: Config\nusers:\n  - name: admin\n    user:\n"

# path -> (text, rules of which one must speak, line)
CARRIERS: dict[str, tuple[str, str, int]] = {
    # base 64
    "app/token.py": (f'import base64\n\nT = base64.b64decode("{b64(GITLAB)}")\n', "PRD101", 3),
    "ci/settings.yaml": (f"token: {b64(GITLAB)}\n", "PRD101 PRD111", 1),
    "app/account.py": (f'import base64\n\nA = base64.b64decode("{b64(ACCOUNT)}")\n', "PRD102", 3),
    "config/account.yaml": (f"google:\n  account: {b64(ACCOUNT)}\n", "PRD102", 2),
    "ci/variables.yaml": (f"cluster: {b64(KUBECONFIG + f'      client-key-data: {b64(PEM)}')}\n", "PRD102", 1),
    "k8s/any-key.yaml": (KUBERNETES + f"  github: {b64(SECRET)}\n", "PRD110", 5),
    "k8s/tls.yaml": (KUBERNETES + f"  tls.key: {b64(PEM)}\n", "PRD102 PRD110", 5),
    "k8s/pull.yaml": (
        KUBERNETES + f"  .dockerconfigjson: {b64(json.dumps({'auths': {'ghcr.io': {'auth': b64('bot:' + SECRET)}}}))}\n",
        "PRD110",
        5,
    ),
    "k8s/url.yaml": (KUBERNETES + f"  dsn: {b64(f'postgresql://svc:{SECRET}@db/orders')}\n", "PRD110", 5),
    "kubeconfig": (KUBECONFIG + f"      client-key-data: {b64(PEM)}\n", "PRD102", 6),
    ".kube/config": (KUBECONFIG + f"      token: {SECRET}\n", "PRD110 PRD111", 6),
    ".docker/config.json": (json.dumps({"auths": {"ghcr.io": {"auth": b64("bot:" + SECRET)}}}), "PRD111", 1),
    ".dockercfg": (json.dumps({"auths": {"ghcr.io": {"auth": b64("bot:" + SECRET)}}}), "PRD111", 1),
    # keys
    "deploy_key": (PEM, "PRD102", 1),
    "server.crt": (PEM, "PRD102", 1),
    "app/line.json": (json.dumps({"key": PEM}), "PRD102", 1),
    "app/unicode.json": (json.dumps({"key": PEM}).replace("\\n", "\\u000a"), "PRD102", 1),
    "jwk.json": (json.dumps({"kty": "EC", "d": sample_token("jwk"), "crv": "P-256"}), "PRD102", 1),
    # connection strings
    "app/odbc.py": (f'import pyodbc\n\nc = pyodbc.connect("DRIVER=x;SERVER=db;UID=svc;PWD={SECRET}")\n', "PRD104", 3),
    "config/odbc.ini": (f"[a]\nconn = SERVER=db;UID=svc;PWD={SECRET}\n", "PRD111", 2),
    "appsettings.json": (f'{{"ConnectionStrings": {{"Orders": "Server=db;User ID=svc;Password={SECRET}"}}}}', "PRD111", 1),
    "config/db.toml": (f'[db]\norders = "host=db user=svc password={SECRET}"\n', "PRD111", 2),
    "kafka.properties": (
        f'sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="svc" password="{SECRET}";\n',
        "PRD111",
        1,
    ),
    "app/bus.py": (
        f'X = "Endpoint=sb://a.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={sample_token("base64")}"\n',
        "PRD101",
        1,
    ),
    # URLs
    "app/hook.py": (f'HOOK = "https://api.shop.internal/hook?token={SECRET}"\n', "PRD103", 1),
    "app/signed.yaml": (
        f"url: https://b.s3.amazonaws.com/k?X-Amz-Credential=a&X-Amz-Signature={sample_token('hex')}{sample_token('hex', 2)[:24]}\n",
        "PRD103",
        1,
    ),
    "clone.sh": (f"#!/bin/sh\ngit clone https://{sample_token('hex')}@git.internal/libs/orders.git\n", "PRD103", 2),
    "poetry.lock": (f'[[package]]\nname = "a"\n[package.source]\nurl = "https://bot:{SECRET}@pypi.internal/simple"\n', "PRD103", 4),
    # files of logins
    ".pgpass": (f"db.internal:5432:orders:svc:{SECRET}\n", "PRD111", 1),
    ".netrc": (f"machine git.internal login bot password {SECRET}\n", "PRD111", 1),
    ".git-credentials": (f"https://bot:{SECRET}@git.internal\n", "PRD103", 1),
    ".curlrc": (f'user = "bot:{SECRET}"\n', "PRD111", 1),
    ".condarc": (f"channels:\n  - https://bot:{SECRET}@conda.internal/main\n", "PRD103", 2),
    ".envrc": (f"export API_TOKEN={SECRET}\n", "PRD111", 1),
    ".dev.vars": (f"DB_PASSWORD={SECRET}\n", "PRD108", 1),
    ".bash_history": (f"ls\nexport API_TOKEN={SECRET}\n", "PRD111", 2),
    "setup.cfg": (f"[upload]\npassword = {SECRET}\n", "PRD111", 2),
    ".pypirc": (f"[internal]\nusername = ci\npassword = {SECRET}\n", "PRD111", 3),
    ".npmrc": (f"//npm.internal/:_authToken={SECRET}\n", "PRD111", 1),
    # texts
    "data/export.jsonl": (f'{{"a": 1}}\n{{"note": "use {GITLAB}"}}\n', "PRD101", 2),
    "data/partners.csv": (f"name,key\nnorth,{GITLAB}\n", "PRD101", 2),
    "deploy/last.log": (f"INFO token={SECRET}\n", "PRD111", 1),
    "a.patch": (f'+TOKEN = "{GITLAB}"\n', "PRD101", 1),
    "seed.sql": (f"ALTER USER root IDENTIFIED BY '{SECRET}';\n", "PRD111", 1),
    "notes.md": (f"Then\n\n    export API_TOKEN={SECRET}\n", "PRD111", 3),
    "notes.rst": (f'::\n\n    db_password = "{SECRET}"\n', "PRD111", 3),
    "web/client.ts": (f'const apiToken: string = "{SECRET}";\n', "PRD111", 1),
    "web/client.js": (f"const config = {{ clientSecret: '{SECRET}' }};\n", "PRD111", 1),
    "main.go": (f'apiToken := "{SECRET}"\n', "PRD111", 1),
    "Main.java": (f'String dbPassword = "{SECRET}";\n', "PRD111", 1),
    "app.rb": (f"config.api_token = '{SECRET}'\n", "PRD111", 1),
    "deploy.ps1": (f'$DbPassword = "{SECRET}"\n', "PRD111", 1),
    "Jenkinsfile": (f"pipeline {{ environment {{\n  DB_PASSWORD = '{SECRET}'\n}} }}\n", "PRD111", 2),
    "Vagrantfile": (f"DB_PASSWORD = '{SECRET}'\n", "PRD111", 1),
    "settings.xml": (f"<server>\n  <password>{SECRET}</password>\n</server>\n", "PRD111", 2),
    "web.config": (f'<add key="ApiToken" value="{SECRET}" />\n', "PRD111", 1),
    "analysis.ipynb": (NOTEBOOK, "PRD111", 0),
    # configuration
    "samconfig.toml": (f'[default.deploy.parameters]\nparameter_overrides = "Stage=prod DbPassword={SECRET}"\n', "PRD111", 2),
    "sonar-project.properties": (f"sonar.login={sample_token('hex')}\n", "PRD101 PRD111", 1),
    ".streamlit/secrets.toml": (f'openai_key = "{SECRET}"\n', "PRD111", 1),
    "postman.json": (f'{{"values": [{{"key": "api_token", "value": "{SECRET}"}}]}}', "PRD111", 1),
    "profiles.yml": (f"orders:\n  user: svc\n  pass: {SECRET}\n", "PRD111", 3),
    "infra/main.tf": (f'variable "db_password" {{\n  default = "{SECRET}"\n}}\n', "PRD111", 2),
    "infra/prod.tfvars": (f'db_password = "{SECRET}"\n', "PRD111", 1),
    "infra/x.tf.json": (f'{{"resource": {{"aws_db_instance": {{"d": {{"password": "{SECRET}"}}}}}}}}', "PRD111", 1),
    "infra/terraform.tfstate": (f'{{"resources": [{{"instances": [{{"attributes": {{"password": "{SECRET}"}}}}]}}]}}', "PRD111", 1),
    # the same in other files
    ".dockercfg.d/.dockercfg": (json.dumps({"ghcr.io": {"auth": b64("bot:" + SECRET)}}), "PRD111", 1),
    ".htpasswd": (f"svc:{SECRET}\n", "PRD111", 1),
    ".gitconfig": (f'[http]\n\textraheader = "Authorization: Basic {b64("bot:" + SECRET)}"\n', "PRD111", 2),
    "requests.http": (f"GET https://api.shop.internal\nAuthorization: Bearer {SECRET}\n", "PRD111", 2),
    "recorded.har": (f'{{"headers": [{{"name": "Authorization", "value": "Bearer {SECRET}"}}]}}', "PRD111", 1),
    "client.ovpn": (f"client\n<key>\n{PEM}</key>\n", "PRD102", 3),
    "hosts.ini": (f"[db]\nnorth ansible_host=10.0.0.1 ansible_password={SECRET}\n", "PRD111", 2),
    "inventory": (f"north ansible_become_pass={SECRET}\n", "PRD111", 1),
    "redis.conf": (f"bind 127.0.0.1\nrequirepass {SECRET}\n", "PRD111", 2),
    "wp-config.php": (f"<?php\ndefine('DB_PASSWORD', '{SECRET}');\n", "PRD111", 2),
    "set.go": (f'os.Setenv("API_TOKEN", "{SECRET}")\n', "PRD111", 1),
    "Info.plist": (f"<dict><key>ApiSecret</key>\n<string>{SECRET}</string></dict>\n", "PRD111", 2),
    "core-site.xml": (f"<property><name>fs.s3a.secret.key</name>\n<value>{SECRET}</value></property>\n", "PRD111", 2),
    "app.xml": (f'<properties><entry key="db.password">{SECRET}</entry></properties>\n', "PRD111", 1),
    "Web.config": (f'<add name="D" connectionString="Server=db;User Id=svc;Password={SECRET}" />\n', "PRD111", 1),
    "cache.env": (f"CACHE=a.redis.cache.windows.net:6380,password={SECRET},ssl=True\n", "PRD108", 1),
    "oracle.properties": (f"url=jdbc:oracle:thin:svc/{SECRET}@db:1521:orders\n", "PRD103", 1),
    "app/old.py": (f'# API_TOKEN = "{SECRET}"\n', "PRD104", 1),
    ".github/workflows/ci.yml": (
        f'on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo "API_TOKEN={SECRET}" >> "$GITHUB_ENV"\n',
        "PRD111",
        6,
    ),
}


def look(root: Path, files: Mapping[str, str]) -> Found:
    """Codes and lines of what the family finds, by path; all files lie in one tree."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")

    def finish(settings: Settings) -> Settings:
        return with_arguments(settings, select=SECRETS.split(","), respect_gitignore=False)

    result = session.run(session.Request([str(root)], isolated=True, jobs=1, root=str(root), finish=finish))
    assert not result.crashed
    found: Found = {}
    for finding in result.report.findings:
        found.setdefault(finding.path, []).append((finding.code, finding.span.line))
    return found


@pytest.fixture(scope="module")
def in_carriers(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return look(tmp_path_factory.mktemp("carriers"), {path: text for path, (text, _, _) in CARRIERS.items()})


@pytest.fixture(scope="module")
def in_quiet(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return look(tmp_path_factory.mktemp("quiet"), QUIET)


@pytest.mark.parametrize("path", CARRIERS)
def test_a_secret_is_found_in(in_carriers: Found, path: str) -> None:
    _, codes, line = CARRIERS[path]
    found = in_carriers.get(path, [])
    assert any(code in codes.split() and line in (at, 0) for code, at in found), found


EMPTY_ACCOUNT = b64('{"type": "service_account"}')
QUIET: dict[str, str] = {
    "app/greeting.py": f'import base64\n\nG = base64.b64decode("{b64("good morning, harbour")}")\nE = base64.b64decode("{EMPTY_ACCOUNT}")\n',
    "k8s/public.yaml": KUBERNETES
    + f"  username: {b64('orders')}\n  tls.crt: {b64('-----BEGIN CERTIFICATE-----')}\n  region: {b64('eu-west-1')}\n",
    "k8s/template.yaml": KUBERNETES + "  github: {{ .Values.github | b64enc }}\n",
    ".docker/config.json": '{"auths": {"registry.internal": {}}, "credsStore": "osxkeychain"}',
    "server.crt": "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ\n-----END CERTIFICATE-----\n",
    "web/form.ts": 'const labels = { password: "Password", token: "Token", apiKey: t("settings.apiKey") };\nconst csrfToken = readCookie("csrftoken");\n',
    "web/client.ts": "const token = process.env.API_TOKEN;\nconst password: string = props.password;\n",
    "main.go": 'apiToken := os.Getenv("API_TOKEN")\nfmt.Println("password: ", masked)\n',
    "Jenkinsfile": "pipeline { environment {\n  API_TOKEN = credentials('orders-api-token')\n} }\n",
    "settings.xml": "<password>${env.RELEASE_PASSWORD}</password>\n<password>{DESede}</password>\n",
    "seed.sql": "ALTER ROLE orders PASSWORD NULL;\nUPDATE users SET password = 'disabled';\nSELECT password FROM users WHERE token = 'open';\n",
    "infra/main.tf": 'resource "aws_db_instance" "d" {\n  password = var.db_password\n  name     = "prod/orders/db-password"\n}\n',
    "notes.md": "Set `API_TOKEN` to the token of the account; `export API_TOKEN=...` or `password: <your password>`.\n",
    "package-lock.json": '{"packages": {"node_modules/a": {"integrity": "sha512-'
    + sample_token("base64")
    + '", "resolved": "https://registry.npmjs.org/a"}}}',
    ".htpasswd": "a:$apr1$k2J4VbXq$0mq8iYJm1Wb5dYp3yqPzY1\nb:{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=\nc:rqXexS6ZhobKA\n",
    "requests.http": "GET https://api.shop.internal\nAuthorization: Bearer {{token}}\nAuthorization: Basic dXNlcjpwYXNzd29yZA==\n",
    "hosts.ini": 'north ansible_password={{ vault_password }} ansible_ssh_pass=\'{{ lookup("env", "PASS") }}\'\n',
    "redis.conf": "# requirepass foobared\nmaxmemory 100mb\n",
    "wp-config.php": "<?php\ndefine('DB_PASSWORD', getenv('DB_PASSWORD'));\ndefine('AUTH_KEY', 'put your unique phrase here');\n",
    "Web.config": '<add name="D" connectionString="Server=db;User Id=svc;Password=#{DbPassword}#" />\n',
    "core-site.xml": "<property><name>hadoop.security.token.service</name><value>kerberos</value></property>\n",
    "app/script.py": 'RUN = """\nhost = os.environ.get("HOST")\npassword = os.environ.get("PASSWORD", "")\n"""\n# password: ask the operator\n# token: int = 5\n',
    "a.log": "GET /items?page_token=abc next_page_token=def token=***\n",
}


@pytest.mark.parametrize("path", QUIET)
def test_nothing_is_said_of(in_quiet: Found, path: str) -> None:
    assert in_quiet.get(path, []) == []
