"""The web surface: CORS, tokens, input that reaches an interpreter, transport and cryptography."""

from __future__ import annotations

from prodlint.checks import web_ciphers, web_code, web_cors, web_crypto, web_gateway, web_input, web_jwt, web_session

__all__ = ["web_ciphers", "web_code", "web_cors", "web_crypto", "web_gateway", "web_input", "web_jwt", "web_session"]
