"""The language server (`prodlint server`, extra `prodlint[lsp]`): findings while one types, from the same rules, settings and ignores."""
