"""What may be shown of a file."""

from __future__ import annotations

import random

import pytest

from prodlint.checks.quoting import quote
from prodlint.facts import Source
from prodlint.model import Finding, Report, Span, Suppressed, Unchecked
from prodlint.redact import MASK, KnownValues, Line, Redaction
from tests.limits import cpu_limit


def redaction(texts: dict[str, str], *secrets: tuple[str, Span]) -> Redaction:
    """Files, and the places of the secrets in them."""
    findings = [Finding(path, span, "PRD104", "m", "P0", secrets=(span,)) for path, span in secrets]
    return Redaction(Report("", findings=findings), lambda path: Source(texts[path].encode()) if path in texts else None)


def test_a_line_without_secrets_is_itself() -> None:
    line = redaction({"a": "x = 1\ny = 2\n"}).line("a", 2)
    assert line == Line("y = 2", (), 5)
    assert [line.at(column) for column in (1, 3, 6, 99)] == [0, 2, 5, 5]


def test_a_secret_is_covered_by_a_mask_of_one_length() -> None:
    for value in ("a", "abc", "abcdefghijklmnop"):
        text = f"p = {value}; q"
        assert redaction({"a": text}, ("a", Span(1, 5, 1, 5 + len(value)))).line("a", 1).text == f"p = {MASK}; q"


def test_columns_behind_a_cover_move_with_it() -> None:
    line = redaction({"a": 'f("secret-1", x, "secret-2", y)'}, ("a", Span(1, 4, 1, 12)), ("a", Span(1, 19, 1, 27))).line("a", 1)
    assert line.text == f'f("{MASK}", x, "{MASK}", y)'
    assert line.text[line.at(15) :].startswith("x,")
    assert line.text[line.at(30) :] == "y)"
    # Inside a cover, a place is its edge.
    assert line.text[line.at(6) : line.at(10, end=True)] == MASK


@pytest.mark.parametrize("seed", range(50))
def test_places_around_covers(seed: int) -> None:
    """Every place outside a cover keeps its character; every place inside goes to an edge."""
    chance = random.Random(seed)
    text = "".join(chr(0x100 + n) for n in range(40))
    spans = [Span(1, start + 1, 1, start + 1 + chance.randint(1, 9)) for start in (chance.randint(0, 38) for _ in range(4))]
    line = redaction({"a": text}, *(("a", span) for span in spans)).line("a", 1)
    covered = {n for span in spans for n in range(span.column - 1, span.end_column - 1)}
    for n, letter in enumerate(text):
        if n not in covered:
            assert line.text[line.at(n + 1)] == letter
        else:
            assert line.text[line.at(n + 1) : line.at(n + 2, end=True)] == MASK
    assert line.at(41) == line.at(99) == len(line.text)


def test_overlapping_secrets_are_one_cover() -> None:
    spans = [Span(1, 5, 1, 10), Span(1, 8, 1, 14), Span(1, 14, 1, 16)]
    assert redaction({"a": "x = abcdefghijklmnop"}, *(("a", span) for span in spans)).line("a", 1).text == f"x = {MASK}lmnop"


def test_a_secret_over_several_lines() -> None:
    shown = redaction({"a": "k = '''\nabc\ndef\n''' + x\n"}, ("a", Span(1, 5, 4, 4)))
    assert [shown.line("a", n).text for n in range(1, 5)] == [f"k = {MASK}", MASK, MASK, f"{MASK} + x"]
    assert set(shown.secret_lines("a")) == {1, 2, 3, 4}


def test_secrets_of_suppressed_findings_are_covered() -> None:
    span = Span(1, 1, 1, 4)
    report = Report("", suppressed=[Suppressed(Finding("a", span, "PRD104", "m", "P0", secrets=(span,)), "inline", "")])
    assert Redaction(report, lambda path: Source(b"abc = 1")).line("a", 1).text == f"{MASK} = 1"


@pytest.mark.parametrize("quoted", ["'{}'", '"{}"', "b'{}'", 'rb"{}"', "'''{}'''", "{}"])
def test_a_telling_value_is_covered_everywhere(quoted: str) -> None:
    value = "Tr0ub4dor" + "-and-3"
    written = quoted.format(value)
    shown = redaction({"a": f"p = {written}", "b": f"look: {value}!"}, ("a", Span(1, 5, 1, 5 + len(written))))
    assert shown.line("b", 1).text == f"look: {MASK}!"
    assert shown.words(f"`{value}` is bad, {value}") == f"`{MASK}` is bad, {MASK}"


@pytest.mark.parametrize("value", ["postgres", "dev", "x1", "changeme"])
def test_a_word_is_covered_where_it_is_a_secret_only(value: str) -> None:
    shown = redaction({"a": f"p = {value}\nimage: {value}\n"}, ("a", Span(1, 5, 1, 5 + len(value))))
    assert [shown.line("a", n).text for n in (1, 2)] == [f"p = {MASK}", f"image: {value}"]
    assert shown.words(f"{value}:16") == f"{value}:16"


def test_spans_beyond_the_file_do_no_harm() -> None:
    shown = redaction({"a": "abc\n"}, ("a", Span(1, 2, 9, 9)), ("a", Span(7, 1, 7, 3)), ("gone", Span(1, 1, 2, 2)))
    assert shown.line("a", 1).text == f"a{MASK}"
    assert shown.line("gone", 1).text == ""
    assert shown.line("a", 99).text == ""


def test_wide_letters_before_a_secret() -> None:
    assert redaction({"a": "é😀 = abc"}, ("a", Span(1, 6, 1, 9))).line("a", 1).text == f"é😀 = {MASK}"


def test_a_file_is_asked_for_once() -> None:
    asked = []

    def sources(path: str) -> Source:
        asked.append(path)
        return Source(b"a\nb\nc\n")

    shown = Redaction(Report(""), sources)
    assert [shown.line("a", n).text for n in (1, 2, 3, 2, 1)] == ["a", "b", "c", "b", "a"]
    assert asked == ["a"]


SOME = "x9" + "Kd82jfQpLm37"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"key = 'ghp_{SOME}'", f"key = 'ghp_{MASK}'"),
        (f"aws: AKIA{SOME.upper()}", f"aws: AKIA{MASK}"),
        (f"url = 'postgres://app:{SOME}@db/app'", f"url = 'postgres://app:{MASK}@db/app'"),
        (f"curl -H 'Authorization: Bearer {SOME}' x", f"curl -H 'Authorization: Bearer {MASK}' x"),
        (f'SECRET_KEY = "{SOME}"', f'SECRET_KEY = "{MASK}"'),
        (f"f(x, password='{SOME}', y=1)", f"f(x, password='{MASK}', y=1)"),
        (f'{{"api_key": "{SOME}"}}', f'{{"api_key": "{MASK}"}}'),
        (f"  db-password: {SOME}", f"  db-password: {MASK}"),
        (f"export API_TOKEN={SOME}", f"export API_TOKEN={MASK}"),
    ],
)
def test_what_looks_like_a_secret_is_covered_though_no_finding_says_so(text: str, shown: str) -> None:
    assert redaction({"a": text}).line("a", 1).text == shown


@pytest.mark.parametrize(
    "text",
    [
        "password = os.environ['DB_PASSWORD_2']",
        "token = get_token1(request)",
        "token: str | None = None",
        "password: ${DB_PASSWORD:?set it}",
        "password = '{{ vault.db1 }}'",
        "url = f'postgres://{user}:{password}@{host}:5432/app'",
        "url = 'https://example.com:8080/a@b'",
        "image: postgres@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "secretKeyRef: {name: db, key: password}",
        "def secret_santa(token, password=None, *, api_key=''):",
        "ask-for-sk-8",
        "TZ: Asia/Ho_Chi_Minh",
        "pip install sk-learn-contrib-things",
    ],
)
def test_what_does_not_look_like_one_is_shown(text: str) -> None:
    assert redaction({"a": text}).line("a", 1).text == text


@pytest.mark.parametrize("piece", ["password", "password=", "://a:", "sk-", "token = '1", " " * 50 + "secret:", "a" * 50 + "@"])
def test_looking_for_secrets_is_linear(piece: str) -> None:
    text = (piece * 1_000_000)[:1_000_000]
    with cpu_limit(20):
        redaction({"a": text}).line("a", 1)


# ---------------------------------------------------------------- values that rules know

VALUE = "Kq7vX2m" + "Pz9Lw4Tb8Rc3Yh6Nd"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"`{VALUE}` is bad", f"`{MASK}` is bad"),
        (f"TODO {VALUE[:13]}...", f"TODO {MASK}..."),
        (f"it ends in {VALUE[-9:]}", f"it ends in {MASK}"),
        (f"{VALUE[:7]}...", f"{VALUE[:7]}..."),
        (f"x{VALUE[3:12]}x and {VALUE[5:14]}", f"x{MASK}x and {MASK}"),
    ],
)
def test_a_piece_of_a_random_value_is_covered(text: str, shown: str) -> None:
    assert KnownValues([f'"{VALUE}"']).covered(text) == shown


def test_of_a_value_that_people_made_its_beginning_is_covered_where_a_text_is_cut() -> None:
    known = KnownValues(["correct-7-horse-battery"])
    assert known.covered("`correct-7-ho...` and correct-7-up") == f"`{MASK}...` and correct-7-up"
    assert known.covered("correct-7-horse-battery") == MASK


def test_words_and_signs_that_a_value_shares_with_other_texts_stay() -> None:
    known = KnownValues(["discord.com/api/webhooks/1234567890123456789/" + VALUE])
    page = "https://console.cloud.google.com/apis/credentials"
    assert known.covered(f"revoke it at {page}") == f"revoke it at {page}"
    assert known.covered(f"discord.com/api/webhooks/1234567890123456789/{VALUE}") == MASK


def test_words_of_a_value_stay_words() -> None:
    known = KnownValues(["postgres-password1", "sk_" + "live_" + VALUE])
    assert known.covered("the password of postgres; a key begins with sk_live_") == "the password of postgres; a key begins with sk_live_"


@pytest.mark.parametrize("written", [f"'{VALUE[:12]}' '{VALUE[12:]}'", VALUE.replace("v", "%76"), f"{VALUE}\\"])
def test_a_value_is_known_in_other_forms(written: str) -> None:
    assert VALUE[:12] not in KnownValues([written]).covered(f"`{VALUE}`")


def test_in_a_file_that_cannot_be_read_any_mixed_word_is_covered() -> None:
    report = Report("", unchecked=[Unchecked("a.env", "no")])
    shown = Redaction(report, lambda path: Source(b"DB PASSWORD abc4defghijk\n"))
    assert shown.line("a.env", 1).text == f"DB PASSWORD {MASK}"
    assert shown.line("b.env", 1).text == "DB PASSWORD abc4defghijk"


def test_secrets_that_no_finding_speaks_of_are_covered() -> None:
    report = Report("", secrets={"a": (Span(1, 5, 1, 8),)})
    assert Redaction(report, lambda path: Source(b"x = abc")).line("a", 1).text == f"x = {MASK}"


def test_a_quotation_is_covered_before_it_is_cut() -> None:
    token = "sk_" + "live_" + VALUE * 3
    assert VALUE[:8] not in quote(f"rotate {token} soon", 30)
    assert quote("a  b\nc") == "a b c"
    assert quote("word " * 20, 20) == "word word word wo..."


@pytest.mark.parametrize(
    ("value", "known"), [("hunter2abc", True), ("hunter2", False), ("longenoughtoknowit"[:16], True), ("longenoughtokno", False)]
)
def test_a_value_that_tells_is_covered_where_it_stands_again(value: str, known: bool) -> None:
    line = f"p = {value}"
    span = Span(1, 5, 1, 5 + len(value))
    covered = redaction({"a": f"{line}\nother {value}\n"}, ("a", span)).line("a", 2).text
    assert (value not in covered) is known
