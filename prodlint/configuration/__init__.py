"""What a team has set: `[tool.prodlint]`, which files are looked at, and the role of each."""
