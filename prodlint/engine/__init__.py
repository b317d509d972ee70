"""From files to findings: one file, many files, one run, and what of it need not be done twice.

A file's way from its bytes to a line of SARIF:

1. `session.run` reads the settings, `configuration.discover` finds the file and its kind, `project.snapshot` holds its bytes from now on.
2. `catalogue` (through `compiled`) has read the pages and found the checks; `run.build` selects those that are on for these settings.
3. `cache` knows the result where bytes, settings, rules and the project's answers are those of the last run. Else `workers` hands the file to
   a process, and `analysis.analyse` does the rest of this list up to 7.
4. `readers.decoding` makes text of the bytes, `configuration.roles` says what kind of place this is (a test, a script, what production runs).
5. `prefilter` scans the bytes once for the literals without which a check cannot fire; the checks that are left want some kinds of facts.
6. `readers.read` yields those facts, and as problems what cannot be read. Each fact goes to the checks that subscribed to it. They ask
   `project.questions` of the rest of the repository, `values` what an expression can be, and yield diagnostics.
7. A diagnostic becomes a `model.Finding`, whole and frozen; `ignoring` takes away what comments suppress. The `outcome` travels as plain tuples.
8. Back in `session`: project rules run over the facts that all files left, then `since`, the lists of other tools and `baseline` take
   away what is known.
9. `reports.stream` hands report and snapshot to `reports.sarif`, which asks the snapshot for excerpts, `redact` to cover secrets in them,
   `fixes` for edits, and writes.
"""
