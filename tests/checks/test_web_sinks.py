"""What bandit's and ruff's security rules are there to find is found here too, and what they find too much is not."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest

HEAD = """
import asyncio, hashlib, hmac, json, logging, os, pickle, random, ssl, subprocess, urllib.request
import aiohttp, dill, httpx, marshal, paramiko, requests, urllib3, yaml
from django.db.models.expressions import RawSQL
from sqlalchemy import text
from Crypto.Cipher import AES, ARC2, ARC4, Blowfish, DES
from Crypto.PublicKey import DSA, RSA
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
TABLE = "things"
log = logging.getLogger()


def handler(cursor, session, request, model, value, key, path, url, ids):
"""

FOUND = [
    # S608, B608
    ("PRD461", """cursor.execute("SELECT * FROM t WHERE id = '%s'" % value)"""),
    ("PRD461", """cursor.execute("INSERT INTO t VALUES ('a', '%s')" % value)"""),
    ("PRD461", """cursor.execute("DELETE FROM t WHERE id = '%s'" % value)"""),
    ("PRD461", """cursor.execute("UPDATE t SET v = 'b' WHERE id = '%s'" % value)"""),
    ("PRD461", """cursor.execute("WITH c AS (SELECT x FROM t) SELECT x FROM c WHERE x = '%s'" % value)"""),
    ("PRD461", """cursor.execute("SELECT * FROM t WHERE id = '" + value + "'")"""),
    ("PRD461", """cursor.execute("SELECT * FROM t WHERE id = '{}'".format(value))"""),
    ("PRD461", """cursor.execute(f"SELECT * FROM t WHERE id = {value}")"""),
    ("PRD461", """cursor.execute(f"select * from t where id = {value}")"""),
    ("PRD461", """cursor.execute("SELECT %s FROM t" % value)"""),
    ("PRD461", """query = f"SELECT * FROM t WHERE id = {value}"\ncursor.execute(query)"""),
    ("PRD461", """query = "SELECT * FROM t WHERE id = 'ID'".replace("ID", value)\ncursor.execute(query)"""),
    ("PRD461", """query = "SELECT * FROM t WHERE "\nquery += "id = " + value\ncursor.execute(query)"""),
    ("PRD461", """query = " ".join(["SELECT * FROM t WHERE id =", value])\ncursor.execute(query)"""),
    ("PRD461", """cursor.executemany(f"INSERT INTO t VALUES ('{value}', ?)", ids)"""),
    ("PRD461", """session.execute(text("SELECT * FROM t WHERE id = " + value))"""),
    ("PRD461", """cursor.execute(f'''\n        SELECT *\n        FROM t WHERE id = {value}''')"""),
    ("PRD461", """cursor.execute(f"CREATE USER {value} WITH PASSWORD 'x'")"""),
    ("PRD461", """cursor.execute(f"SELECT * FROM {TABLE} WHERE id = {request.args['id']}")"""),
    ("PRD461", """cursor.execute(f"SELECT * FROM t WHERE id = {request.GET['id']}")"""),
    # S610, S611, B610, B611
    ("PRD461", """model.objects.extra(where=["id = %s" % value])"""),
    ("PRD461", """model.objects.filter(a=1).extra(select={"x": f"SELECT {value}"})"""),
    ("PRD461", """model.objects.annotate(x=RawSQL("SELECT " + value, []))"""),
    ("PRD461", """model.objects.raw(f"SELECT * FROM t WHERE id = {value}")"""),
    # S102, S307, S602, S605, S301, S302, S506
    ("PRD462", "exec(value)"),
    ("PRD462", "eval(value)"),
    ("PRD462", "eval(request.GET['q'], {'__builtins__': {}})"),
    ("PRD462", "os.system('ls ' + path)"),
    ("PRD462", "os.popen('ls %s' % path)"),
    ("PRD462", "subprocess.Popen(f'ls {path}', shell=True)"),
    ("PRD462", "subprocess.call('ls {}'.format(path), shell=True)"),
    ("PRD462", "subprocess.check_output('ls ' + path, shell=1)"),
    ("PRD462", "subprocess.getoutput(f'ls {path}')"),
    ("PRD462", "pickle.loads(request.body)"),
    ("PRD462", "dill.loads(requests.get(url, timeout=5).content)"),
    ("PRD462", "marshal.loads(request.data)"),
    ("PRD462", "yaml.load(request.body)"),
    ("PRD462", "yaml.load(request.body, Loader=yaml.Loader)"),
    ("PRD462", "yaml.load(request.body, yaml.UnsafeLoader)"),
    # S323, S501, S507
    ("PRD481", "requests.get(url, timeout=5, verify=False)"),
    ("PRD481", "requests.request('GET', url, timeout=5, verify=False)"),
    ("PRD481", "httpx.get(url, verify=False)"),
    ("PRD481", "httpx.stream('GET', url, verify=False)"),
    ("PRD481", "httpx.AsyncClient(timeout=5, verify=False)"),
    ("PRD481", "s = requests.Session()\ns.verify = False"),
    ("PRD481", "s = requests.Session()\ns.get(url, timeout=5, verify=False)"),
    ("PRD481", "with requests.Session() as s:\n    s.post(url, timeout=5, verify=False)"),
    ("PRD481", "aiohttp.TCPConnector(ssl=False)"),
    ("PRD481", "ssl._create_unverified_context()"),
    ("PRD481", "urllib.request.urlopen(url, timeout=5, context=ssl._create_unverified_context())"),
    ("PRD481", "urllib3.PoolManager(cert_reqs='CERT_NONE')"),
    ("PRD481", "paramiko.SSHClient().set_missing_host_key_policy(paramiko.AutoAddPolicy)"),
    ("PRD481", "paramiko.SSHClient().set_missing_host_key_policy(paramiko.WarningPolicy())"),
    # S303 to S305, S311, S324, S502, S505
    ("PRD482", "signature = hashlib.md5(value).hexdigest()"),
    ("PRD482", "token = hashlib.new('sha1', value).hexdigest()"),
    ("PRD482", "token = ''.join(random.choice(value) for _ in range(9))"),
    ("PRD482", "session_id = str(random.random())"),
    ("PRD482", "ARC2.new(key)"),
    ("PRD482", "ARC4.new(key)"),
    ("PRD482", "Blowfish.new(key, Blowfish.MODE_CBC)"),
    ("PRD482", "DES.new(key, DES.MODE_CTR)"),
    ("PRD482", "AES.new(key, AES.MODE_ECB)"),
    ("PRD482", "Cipher(algorithms.ARC4(key), mode=None)"),
    ("PRD482", "Cipher(algorithms.AES(key), modes.ECB())"),
    ("PRD482", "rsa.generate_private_key(65537, 1024)"),
    ("PRD482", "dsa.generate_private_key(key_size=1024)"),
    ("PRD482", "RSA.generate(bits=1024)"),
    ("PRD482", "DSA.generate(1024)"),
    ("PRD482", "ec.generate_private_key(curve=ec.SECT163K1())"),
    ("PRD482", "ssl.SSLContext(ssl.PROTOCOL_SSLv3)"),
    ("PRD482", "ssl.wrap_socket(ssl_version=ssl.PROTOCOL_TLSv1)"),
    ("PRD482", "return hmac.new(key, value, 'sha256').hexdigest() == request.headers['X-Signature']"),
]

SILENT = [
    ("PRD461", """cursor.execute("SELECT * FROM t WHERE id = '%s'", value)"""),
    ("PRD461", """cursor.execute("SELECT * FROM t WHERE id = ?", (value,))"""),
    ("PRD461", """log.info("SELECT * FROM t WHERE id = %s" % value)"""),
    ("PRD461", """choices = [("server_list", "Select from active instances" + value)]"""),
    ("PRD461", """print("delete from the cache as the first argument %s" % value)"""),
    ("PRD461", """query = "SELECT * FROM t WHERE id = '%s'" % value"""),
    ("PRD461", """raise ValueError(f"Update the set of {value} and retry")"""),
    ("PRD461", """cursor.execute(f"SELECT * FROM {TABLE} WHERE id = %s", (value,))"""),
    ("PRD461", """cursor.execute(f"SELECT * FROM t LIMIT {int(value)}")"""),
    ("PRD461", """cursor.execute(f"SELECT * FROM t WHERE id IN ({','.join('?' for _ in ids)})", ids)"""),
    ("PRD461", """cursor.execute("SELECT * FROM t WHERE id IN (%s)" % ", ".join(["%s"] * len(ids)), ids)"""),
    ("PRD461", """value.execute(f"Select a page for {path}")"""),
    ("PRD462", "eval('1 + 1')"),
    ("PRD462", "model.eval()"),
    ("PRD462", "subprocess.run(['ls', path])"),
    ("PRD462", "subprocess.run('ls | wc', shell=True)"),
    ("PRD462", "subprocess.run(path, shell=False)"),
    ("PRD462", "os.system('ls -l')"),
    ("PRD462", "pickle.loads(pickle.dumps(value))"),
    ("PRD462", "yaml.load(value, Loader=yaml.SafeLoader)"),
    ("PRD462", "yaml.load(value, yaml.CSafeLoader)"),
    ("PRD481", "requests.get(url, timeout=5, verify=True)"),
    ("PRD481", "requests.get(url, timeout=5, verify=path)"),
    ("PRD481", "requests.get('https://localhost:8000', timeout=5, verify=False)"),
    ("PRD481", "paramiko.SSHClient().set_missing_host_key_policy(paramiko.RejectPolicy)"),
    ("PRD481", "value.check(verify=False)"),
    ("PRD482", "hashlib.md5(value, usedforsecurity=False)"),
    ("PRD482", "etag = hashlib.md5(value).hexdigest()"),
    ("PRD482", "cache_key = hashlib.sha1(value).hexdigest()"),
    ("PRD482", "delay = random.uniform(0, 1)"),
    ("PRD482", "rsa.generate_private_key(65537, 3072)"),
    ("PRD482", "RSA.generate(4096)"),
    ("PRD482", "return hmac.compare_digest(hmac.new(key, value, 'sha256').digest(), value)"),
]


def indented(body: str) -> str:
    return HEAD + "\n".join(f"    {line}" for line in dedent(body).splitlines()) + "\n"


@pytest.mark.parametrize(("code", "body"), FOUND)
def test_found(code: str, body: str, project: Callable[..., object], prodlint: Callable[..., object]) -> None:
    root = project({"service/app.py": indented(body)})
    ran = prodlint("check", str(root), "--isolated", "--select", code, "--output-format", "concise")
    assert ran.out.count(f" {code} ") == 1, ran.out  # type: ignore[attr-defined]  # Ran lives in conftest


@pytest.mark.parametrize(("code", "body"), SILENT)
def test_silent(code: str, body: str, project: Callable[..., object], prodlint: Callable[..., object]) -> None:
    root = project({"service/app.py": indented(body)})
    ran = prodlint("check", str(root), "--isolated", "--select", code, "--output-format", "concise")
    assert f" {code} " not in ran.out, ran.out  # type: ignore[attr-defined]  # Ran lives in conftest
