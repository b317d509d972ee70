"""What coding agents are given: prodlint's answers as tools of the Model Context Protocol, read-only and confined to one root."""
