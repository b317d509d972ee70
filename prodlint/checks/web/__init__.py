"""The web surface: CORS, tokens, input that reaches an interpreter, transport and cryptography."""
