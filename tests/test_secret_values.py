from __future__ import annotations

import random
import string

import pytest

from prodlint.checks.secrets.formats import sample_token
from prodlint.values.secret_values import entropy, in_use, is_secret, shape_of
from tests.limits import cpu_limit

SHAPES = {
    "": "empty",
    "None": "empty",
    "null": "empty",
    "***": "masked",
    "xxxxxxxx": "masked",
    "AAAAAAAAAAAAAAAA": "masked",
    "sk-...": "masked",
    "${PASSWORD}": "template",
    "{{ password }}": "template",
    "{password}": "template",
    "<password>": "template",
    "$PASSWORD": "template",
    "%(password)s": "template",
    "#{password}": "template",
    "$(get-password)": "template",
    "your-api-key": "placeholder",
    "my-dev-secret": "placeholder",
    "DummyKey": "placeholder",
    "changeme": "default",
    "postgres": "default",
    "password123": "default",
    "1password": "default",
    "OPENAI_API_KEY": "reference",
    "/run/secrets/db": "reference",
    "./key.pem": "reference",
    "https://auth.example.com/token": "reference",
    "arn:aws:secretsmanager:eu-west-1:1:secret:x": "reference",
    "op://vault/item/field": "reference",
    "projects/shop/secrets/db": "reference",
    "encrypted:BDqDBibm4wsYqMpC": "reference",
    "Enter your password": "prose",
    "access-token": "words",
    "oauth2": "words",
    "HS256": "words",
    "sha256": "words",
    "password_reset_confirm": "words",
    "app.settings.SECRET": "words",
    "eBatDisChargeToday": "words",
    "refreshTokenV2Handler": "words",
    "urn:ietf:params:oauth:token-type:jwt": "words",
    "aGVsbG8gd29ybGQ=": "words",
    "2026-01-01T00:02:45.000Z": "words",
    "^[A-Za-z0-9_-]+$": "words",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz": "words",
    "Zugriffstoken": "words",
    "Contraseña": "words",
    "$2b$12$KIXQ4S1r0rWv1G1ZbJ0u5e8mQ8p2u1X9mB3oVZ4rYyq7iYt0C1nGa": "hash",
    "8675309431": "digits",
    "1234567890": "default",
    "3fa85f64-5717-4562-b3fc-2c963f66afa6": "uuid",
    "correct-horse-battery-staple": "passphrase",
    "hunter2": "weak",
    "tr0ub4dor&3": "weak",
    "!QAZ2wsx": "weak",
    "5f4dcc3b5aa765d61d8327deb882cf99": "random",
    "d3Vf8kQ2pL9xZ1mN": "random",
    "kqzjxvbnwpdlfhtgrmcy": "random",
}


@pytest.mark.parametrize(("value", "shape"), SHAPES.items())
def test_shape(value: str, shape: str) -> None:
    assert shape_of(value) == shape


# What users of other linters complained about: none of these is a secret, whatever its name.
@pytest.mark.parametrize(
    "value",
    [
        "passed",
        "13a",
        "***",
        "1",
        "refresh_token",
        "MY_SECRET1",
        "TF_TEAM_TOKEN",
        "/parameter/aws/key/",
        "/run/secrets/x",
        "None",
        "",
        "token",
        "X-Auth-Token",
    ],
)
@pytest.mark.parametrize("kind", ["password", "secret", "token", "key"])
def test_quiet_values(value: str, kind: str) -> None:
    assert not is_secret(value, kind)  # type: ignore[arg-type]  # the four kinds by name


@pytest.mark.parametrize(("value", "kinds"), [("hunter2", "password"), ("tr0ub4dor&3", "password secret"), ("8675309431", "password")])
def test_what_people_type_is_a_secret_only_where_people_type(value: str, kinds: str) -> None:
    assert [kind for kind in ("password", "secret", "token", "key") if is_secret(value, kind)] == kinds.split()  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("name", ["random", "hex", "base64", "uuid", "fernet"])
def test_what_machines_make_is_a_secret_everywhere(name: str) -> None:
    for seed in range(50):
        for kind in ("password", "secret", "token", "key"):
            assert is_secret(sample_token(name, seed), kind)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("alphabet", "length", "least"),
    [(string.ascii_letters + string.digits, 24, 0.98), ("0123456789abcdef", 32, 0.98), ("0123456789abcdef", 40, 0.99)],
)
def test_nearly_every_random_value_is_seen(alphabet: str, length: int, least: float) -> None:
    dice = random.Random(7)
    values = ["".join(dice.choice(alphabet) for _ in range(length)) for _ in range(1000)]
    assert sum(is_secret(value, "token") for value in values) >= least * 1000


def test_a_placeholder_is_in_use_all_the_same() -> None:
    assert in_use("changeme")
    assert in_use("dev")
    assert not in_use("")
    assert not in_use("${SECRET}")
    assert not in_use("/run/secrets/key")


def test_entropy() -> None:
    assert entropy("") == 0
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2


@pytest.mark.parametrize(
    "text",
    [
        "a" * 4096,
        "aA1" * 1365,
        "a-" * 2048,
        "{" * 4096,
        "$" * 4096,
        "<" * 4096,
        "Ab" * 2048,
        "@" * 4096,
        "." * 4096,
        "x=" * 2048,
        "%" * 4096,
    ],
)
def test_hostile_values_stay_cheap(text: str) -> None:
    shape_of.cache_clear()
    with cpu_limit(10):
        shape_of(text)
