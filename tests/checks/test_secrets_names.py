from __future__ import annotations

import pytest

from prodlint.values.secret_names import ANCHORS, is_signing_name, secret_name

SECRET = {
    "password": "password",
    "db_password": "password",
    "DB_PASSWORD": "password",
    "dbPassword": "password",
    "DATABASEPASSWORD": "password",
    "password2": "password",
    "default_password": "password",
    "DB_PASS": "password",
    "db_pw": "password",
    "passphrase": "password",
    "clientSecret": "secret",
    "webhook_secret": "secret",
    "token": "token",
    "GITHUB_TOKEN": "token",
    "authToken": "token",
    "_authToken": "token",
    "apikey": "key",
    "api_key": "key",
    "X-API-Key": "key",
    "OPENAI_API_KEY": "key",
    "AWS_SECRET_ACCESS_KEY": "key",
    "private_key": "key",
    "SECRET_KEY_PROD": "key",
    "spring.datasource.password": "password",
    "Authorization": "credential",
    "credentials": "credential",
    "dsn": "connection",
    "connectionString": "connection",
}
NONE = (
    "passwordField password_label PASSWORD_FILE password_hash reset_password forgot_password hashed_password has_password tokenizer passed uncertainty "
    "next_page_token csrf_token eos_token pad_token max_tokens token_url token_type tokens_used secret_id secret_name secretName access_key_id "
    "api_key_env cache_key public_key primary_key foreign_key publishable_key session_cookie_key keycloak monkey pass first_pass bypass compass dsn_name "
    "VITE_API_KEY REACT_APP_API_KEY NEXT_PUBLIC_API_KEY fake_token dummy_password parse_totp_secret get_password find_token name value key id"
).split()


@pytest.mark.parametrize(("name", "kind"), SECRET.items())
def test_names_of_secrets(name: str, kind: str) -> None:
    named = secret_name(name)
    assert named is not None
    assert named.kind == kind
    assert named.certain


@pytest.mark.parametrize("name", NONE)
def test_names_of_other_things(name: str) -> None:
    assert secret_name(name) is None


@pytest.mark.parametrize("name", ["API_KEY_OPENAI", "TOKEN_GITHUB"])
def test_an_owner_behind_the_word_makes_it_uncertain(name: str) -> None:
    named = secret_name(name)
    assert named is not None
    assert not named.certain


@pytest.mark.parametrize("name", [*SECRET, "API_KEY_OPENAI"])
def test_every_accepted_name_holds_an_anchor(name: str) -> None:
    assert any(anchor in name.lower() for anchor in ANCHORS)


@pytest.mark.parametrize("name", ["SECRET_KEY", "JWT_SECRET_KEY", "SIGNING_KEY", "secret_key", "JWT_SECRET"])
def test_signing_names(name: str) -> None:
    assert is_signing_name(name)


@pytest.mark.parametrize("name", ["api_key", "password", "AWS_SECRET_ACCESS_KEY", "SESSION_COOKIE_NAME"])
def test_other_names_do_not_sign(name: str) -> None:
    assert not is_signing_name(name)
