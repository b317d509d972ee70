from __future__ import annotations

import pytest

from prodlint.checks.secrets import formats
from prodlint.checks.secrets.formats import FORMATS, Format, base62_checksum, is_dummy, match_at, patterns, recognise, sample_token
from tests.limits import cpu_limit


def found_in(text: str) -> list[tuple[str, str]]:
    """Names and tokens that the anchors' hits lead to, as the engine would pass them."""
    data = text.encode()
    lowered = data.lower()
    hits = sorted((offset, anchor) for anchor in patterns() for offset in _all(lowered, anchor))
    result = []
    done = 0
    for offset, anchor in hits:
        if offset < done:
            continue
        match = match_at(data, anchor, offset)
        if match is not None:
            row, start, end = match
            done = end
            result.append((row.name, data[start:end].decode()))
    return result


def _all(data: bytes, anchor: bytes) -> list[int]:
    places, place = [], data.find(anchor)
    while place != -1:
        places.append(place)
        place = data.find(anchor, place + 1)
    return places


def bound(row: Format, token: str) -> str:
    name = f"{row.after[0]}_key" if row.after else "value"
    return f'{name} = "{token}"'


# The first characters of every format's token, so that a row cannot change unseen.
PREFIXES = {
    "github": "ghp_",
    "github-fine-grained": "github_pat_",
    "gitlab": "glpat-",
    "npm": "npm_",
    "pypi": "pypi-AgEIcHlwaS5vcmc",
    "openai-project": "sk-proj-",
    "anthropic": "sk-ant-api",
    "huggingface": "hf_",
    "aws": "AKIA",
    "google": "AIza",
    "stripe": "sk_live_",
    "slack": "xoxb-",
    "sendgrid": "SG.",
    "supabase": "sb_secret_",
    "age": "AGE-SECRET-KEY-1",
    "jwt": "eyJ",
}
LENGTHS = {
    "github": 40,
    "github-fine-grained": 93,
    "npm": 40,
    "google": 39,
    "aws": 20,
    "anthropic": 93,
    "huggingface": 37,
    "sendgrid": 69,
    "digitalocean": 71,
}


def test_the_table_is_long_and_its_names_are_unique() -> None:
    assert len(FORMATS) > 150
    assert len({row.name for row in FORMATS}) == len(FORMATS)


@pytest.mark.parametrize(("name", "prefix"), PREFIXES.items())
def test_prefix(name: str, prefix: str) -> None:
    assert sample_token(name).startswith(prefix)


@pytest.mark.parametrize(("name", "length"), LENGTHS.items())
def test_length(name: str, length: int) -> None:
    assert len(sample_token(name)) == length


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_a_token_is_found_whole(row: Format) -> None:
    token = sample_token(row.name)
    names = [(next(f.title for f in FORMATS if f.name == name), value) for name, value in found_in(bound(row, token))]
    assert names == [(row.title, token)]


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
@pytest.mark.parametrize("which", [0, 1])
def test_a_row_is_tested_by_its_own_examples(row: Format, which: int) -> None:
    token = row.examples[which].replace("|", "", 1)
    found = [(_row(name).vendor, value) for name, value in found_in(bound(row, token))]
    assert found[:1] == [(row.vendor, token)]


def test_a_vendor_has_a_page_and_a_place_to_revoke() -> None:
    assert len({row.vendor for row in FORMATS}) >= 150
    assert all(row.page.startswith("https://") and row.revoke.startswith("https://") for row in FORMATS)


def _row(name: str) -> Format:
    return next(row for row in FORMATS if row.name == name)


@pytest.mark.parametrize("row", [row for row in FORMATS if row.kind == "secret"], ids=lambda row: row.name)
def test_no_row_takes_a_placeholder_for_a_token(row: Format) -> None:
    for text in placeholders(row):
        assert found_in(bound(row, text)) == []


def placeholders(row: Format) -> list[str]:
    """A token's prefix with one repeated character, with counting, and with words in the place of the rest."""
    parts = formats._parts(row.shape)
    made = []
    for filler in (
        "x" * 500,
        "0" * 500,
        "a" * 500,
        "1234567890" * 50,
        "abcdefghijklmnopqrstuvwxyz" * 20,
        "your-token-here-" * 30,
        "replace_with_the_key_" * 30,
    ):
        pieces, position = [], 0
        for part in parts:
            length = 0 if isinstance(part, str) else max(part[1], min(part[2], 24))
            pieces.append(part if isinstance(part, str) else filler[position : position + length])
            position += length
        made.append("".join(pieces))
    return made


@pytest.mark.parametrize("row", [row for row in FORMATS if not row.glued], ids=lambda row: row.name)
def test_a_token_glued_to_a_word_is_none(row: Format) -> None:
    token = sample_token(row.name)
    assert token not in [value for _, value in found_in(bound(row, f"x{token}"))]
    if not row.telling:
        assert token not in [value for _, value in found_in(bound(row, f"{token}x"))]


@pytest.mark.parametrize("row", [row for row in FORMATS if row.telling], ids=lambda row: row.name)
def test_behind_a_telling_prefix_another_length_counts_too(row: Format) -> None:
    prefix = str(formats._parts(row.shape)[0])
    token = prefix + formats._filled("{A:420}", f"another length {row.name}")[: 23 if row.shape != "glft-{U:20}" else 25]
    assert token in [value for _, value in found_in(f'send("{token}")')] or not formats.is_random(token[len(prefix) :])
    assert found_in(f'send("{prefix}the-overview-of-the-whole-year")') == []


@pytest.mark.parametrize("row", [row for row in FORMATS if not row.after], ids=lambda row: row.name)
def test_a_token_is_recognised(row: Format) -> None:
    known = recognise(sample_token(row.name))
    assert known is not None
    assert known.title == row.title


def test_a_token_behind_an_escaped_line_end() -> None:
    token = sample_token("github")
    assert found_in(f'"Authorization:\\n{token}\\n"') == [("github", token)]


def test_samples_are_the_same_every_time_and_differ_by_seed() -> None:
    assert sample_token("github") == sample_token("github")
    assert sample_token("github", 1) != sample_token("github", 2)


@pytest.mark.parametrize("name", ["github", "npm"])
def test_checksum(name: str) -> None:
    token = sample_token(name)
    row = next(row for row in FORMATS if row.name == name)
    assert row.valid is not None
    assert row.valid(token.encode())
    last = "0" if token[-1] != "0" else "1"
    assert not row.valid((token[:-1] + last).encode())


def test_checksum_of_a_published_dummy() -> None:
    # From GitHub's own announcement of the format, April 2021: thirty zeros and ones are nobody's token.
    assert len(base62_checksum(b"0" * 30)) == 6
    assert base62_checksum(b"") == "000000"


@pytest.mark.parametrize(
    "token",
    [
        "ghp_" + "x" * 36,
        "ghp_" + "0" * 36,
        "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789",
        "AKIA" + "IOSFODNN7" + "EXAMPLE",
        "sk_live_" + "your_key_here_12345",
        "glpat-" + "*" * 20,
    ],
)
def test_made_up_tokens_are_dummies(token: str) -> None:
    assert is_dummy(token.encode())


def test_few_generated_tokens_look_made_up() -> None:
    # The words that give a dummy away must hardly ever stand in a random token.
    dummies = sum(is_dummy(formats._filled("ghp_{A:36}", str(seed)).encode()) for seed in range(3000))
    assert dummies <= 6


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_hostile_input_stays_cheap(row: Format) -> None:
    token = sample_token(row.name)
    with cpu_limit(16):
        for text in (token[: len(token) // 2] * 4000, (token[0] * 50 + token[:12]) * 2000, token[:-1] + token[-2] * 200_000):
            data = text.encode()[:300_000]
            for pattern in formats._patterns(row):
                for offset in _all(data.lower(), pattern.literal)[:4000]:
                    match_at(data, pattern.literal, offset)
