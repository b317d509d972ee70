"""What findings are bound to: values and code, not their layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from prodlint.commands.cli import main
from prodlint.content import content_of
from prodlint.facts import Source


def content(text: str, part: str, kind: str, **wishes: bool) -> str:
    data = text.encode()
    start = data.index(part.encode())
    return content_of(Source(data), start, start + len(part.encode()), kind, **wishes)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("yaml", ("image: «postgres»\n"), ('image: "«postgres»"  # renovate\n')),
        ("yaml", "a: {privileged: «true»}\n", "a:\n    privileged: «true»\n"),
        ("yaml", "command: «['uvicorn', 'a:app']»\n", "command: «\n  - uvicorn # x\n  - 'a:app'»\n"),
        ("dockerfile", "«RUN pip install fastapi»\n", "«RUN pip install \\\n    # later\n    fastapi»\n"),
        ("dockerfile", 'CMD «["uvicorn", "--reload"]»\n', 'CMD «[ "uvicorn",  "--reload" ]»\n'),
        ("dockerfile", "«RUN pip install fastapi»\n", "«run pip  install fastapi»\n"),
        ("dockerfile", 'CMD «["uvicorn", "a:app"]»\n', "CMD «uvicorn a:app»\n"),
        ("toml", "a = «[1, 2]»\n", "a = «[\n  1, # one\n  2,\n]»\n"),
        ("requirements", "«requests>=2»\n", "«requests >= 2»\n"),
        ("shell", "«curl -k https://a.io»\n", "«curl -k \\\n  https://a.io»\n"),
        ("ini", "[a]\nb = «1»\n", "[a]\nb=«1»\n"),
    ],
)
def test_configuration_is_the_same_however_it_is_laid_out(kind: str, one: str, other: str) -> None:
    assert _marked(one, kind) == _marked(other, kind)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("yaml", "image: «postgres»\n", "image: «postgres:17»\n"),
        ("yaml", "privileged: «true»\n", "read_only: «true»\n"),
        ("dockerfile", "«RUN pip install fastapi»\n", "«RUN pip install flask»\n"),
        ("shell", "«curl -k https://a.io»\n", "«curl -k https://b.io»\n"),
    ],
)
def test_another_value_is_another(kind: str, one: str, other: str) -> None:
    assert _marked(one, kind) != _marked(other, kind)


def _marked(text: str, kind: str) -> str:
    """The content between « and »."""
    before, part, after = text.replace("»", "«").split("«")
    start = len(before.encode())
    return content_of(Source((before + part + after).encode()), start, start + len(part.encode()), kind)


@pytest.mark.parametrize(
    "comment", ["# TODO see #12", "#  TODO   see #12", "# TODO see #12  # prodlint: ignore[PRD301] -- x", "// TODO see #12  // noqa"]
)
def test_a_comment_is_its_words(comment: str) -> None:
    assert content(comment, comment, "text", comment=True) == content("TODO see #12", "TODO see #12", "text", comment=True)


@pytest.mark.parametrize("written", ["'{}'", 'b"{}"', "'''{}'''", "{}", '("abc"\n  "{}")', "r'' '{}'"])
def test_a_secret_is_its_value(written: str) -> None:
    value = "abc" + "Q7x" if "abc" in written else "abcQ7x"
    text = written.format(value.removeprefix("abc") if "abc" in written else value)
    assert content(text, text, "python", secret=True) == content("abcQ7x", "abcQ7x", "env", secret=True)


# ---------------------------------------------------------------- as a team meets it

FIRST = {
    "a.py": (
        'import requests\nimport hashlib\n\n\ndef load(url, name):\n    print(name)\n    return requests.get(url, headers={"a": name})\n\n\n'
        "def save(work, body):\n    try:\n        work(hashlib.md5(body.password).hexdigest())\n    except Exception:\n        pass\n"
    ),
    "compose.yaml": "services:\n  db:\n    image: postgres\n    privileged: true\n",
    "Dockerfile": 'FROM python:latest\nRUN pip install fastapi\nCMD ["uvicorn", "a:app", "--reload"]\n',
}


def _black_like(files: dict[str, str]) -> None:
    files["a.py"] = files["a.py"].replace(
        '(url, headers={"a": name})', "(\n        url,\n        headers={'a': name},\n    )  # noqa: S113"
    )


def _renamed(files: dict[str, str]) -> None:
    files["a.py"] = (
        files["a.py"]
        .replace("load", "fetch")
        .replace("save", "store")
        .replace("import requests", "import requests as rq")
        .replace("requests.get", "rq.get")
    )


def _moved(files: dict[str, str]) -> None:
    files["app/b.py"] = files.pop("a.py")


def _into_class(files: dict[str, str]) -> None:
    head, _, rest = files["a.py"].partition("\n\n\n")
    files["a.py"] = head + "\n\n\nclass Store:\n" + "".join(f"    {line}\n" if line else "\n" for line in rest.splitlines())


def _configured(files: dict[str, str]) -> None:
    files["compose.yaml"] = 'services:\n    db: {image: "postgres", privileged: true}  # renovate\n'
    files["Dockerfile"] = 'FROM python:latest\nRUN pip install \\\n    fastapi\nCMD [ "uvicorn", "a:app", "--reload" ]\n'


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[dict[str, str]], list[str]]:
    """Gives the findings that a baseline of FIRST does not know."""
    monkeypatch.chdir(tmp_path)

    def lay(files: dict[str, str]) -> None:
        for path in FIRST.keys() - files.keys():
            (tmp_path / path).unlink(missing_ok=True)
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text)

    lay(FIRST)
    assert main(["baseline", "--isolated", "--root", ".", "."]) == 0
    assert capsys.readouterr().out.split(": ", 1)[1].startswith("1"), "ten findings and more"

    def new(files: dict[str, str]) -> list[str]:
        lay(files)
        main(["check", "--isolated", "--no-cache", "--root", ".", "--quiet", "--baseline", ".prodlint-baseline", "."])
        return [line.split(" ")[1] for line in capsys.readouterr().out.splitlines()]

    return new


@pytest.mark.parametrize("edit", [_black_like, _renamed, _moved, _into_class, _configured])
def test_what_is_known_stays_known(known: Callable[[dict[str, str]], list[str]], edit: Callable[[dict[str, str]], None]) -> None:
    files = dict(FIRST)
    edit(files)
    assert files != FIRST
    assert known(files) == []


@pytest.mark.parametrize(
    ("path", "line", "second", "code"),
    [
        ("a.py", "    print(name)\n", "    requests.get(name)\n", "PRD504"),
        ("a.py", "    print(name)\n", "    print(name)\n    print(name)\n", "PRD701"),
        ("Dockerfile", "RUN pip install fastapi\n", "RUN pip install flask\n", "PRD806"),
    ],
)
def test_what_is_new_is_shown(known: Callable[[dict[str, str]], list[str]], path: str, line: str, second: str, code: str) -> None:
    assert known({**FIRST, path: FIRST[path].replace(line, second)}) == [code]
