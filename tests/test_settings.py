from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from prodlint.configuration.settings import (
    KnownRule,
    NestedSettings,
    RuleSelection,
    Selection,
    Settings,
    SettingsByPath,
    SettingsError,
    check_options,
    enabled,
    load,
    unmatched_patterns,
    with_arguments,
)

RULES = [
    KnownRule("PRD002", "unused-suppression", True),
    KnownRule("PRD201", "bare-except", True, ("ruff",)),
    KnownRule("PRD202", "swallowed-exception", True),
    KnownRule("PRD501", "http-timeout-disabled", True),
    KnownRule("PRD502", "http-timeout-missing", True),
    KnownRule("PRD510", "opt-in", False),
]
ON = {"PRD002", "PRD201", "PRD202", "PRD501", "PRD502"}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def loaded(tmp_path: Path, text: str, name: str = "prodlint.toml") -> Settings:
    write(tmp_path / name, text)
    return load(tmp_path, root=tmp_path)


# ---------------------------------------------------------------- which rules


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("", ON),
        ('select = ["ALL"]', ON | {"PRD510"}),
        ('select = ["PRD5"]', {"PRD501", "PRD502", "PRD510"}),
        ('select = ["PRD50"]', {"PRD501", "PRD502"}),
        ('select = ["bare-except"]', {"PRD201"}),
        ('select = ["prd201"]', {"PRD201"}),
        ("select = []", set()),
        ('extend-select = ["PRD510"]', ON | {"PRD510"}),
        ('ignore = ["PRD5"]', {"PRD002", "PRD201", "PRD202"}),
        ('ignore = ["PRD5"]\nextend-select = ["PRD501"]', {"PRD002", "PRD201", "PRD202", "PRD501"}),
        ('select = ["PRD5"]\nignore = ["PRD501"]', {"PRD502", "PRD510"}),
        ('select = ["PRD501"]\nignore = ["PRD5"]', {"PRD501"}),
        ('select = ["PRD501"]\nignore = ["http-timeout-disabled"]', set()),
        ('select = ["ALL"]\nignore = ["ALL"]', set()),
    ],
)
def test_the_most_specific_selector_wins(tmp_path: Path, toml: str, expected: set[str]) -> None:
    assert enabled(loaded(tmp_path, toml), RULES) == expected


@pytest.mark.parametrize(
    ("toml", "arguments", "expected"),
    [
        ('ignore = ["PRD201"]', {"select": ["PRD2"]}, {"PRD202"}),
        ('ignore = ["PRD201"]', {"select": ["PRD201"]}, {"PRD201"}),
        ('select = ["PRD2"]', {"extend_select": ["PRD501"]}, {"PRD201", "PRD202", "PRD501"}),
        ('select = ["PRD201"]', {"ignore": ["PRD2"]}, set()),
        ('select = ["PRD201"]', {"select": ["PRD5"], "ignore": ["PRD510,PRD502"]}, {"PRD501"}),
        ('extend-select = ["PRD510"]', {"select": ["PRD2"]}, {"PRD201", "PRD202"}),
    ],
)
def test_the_command_line_is_a_layer_over_the_settings(
    tmp_path: Path, toml: str, arguments: dict[str, list[str]], expected: set[str]
) -> None:
    assert enabled(with_arguments(loaded(tmp_path, toml), **arguments), RULES) == expected


def test_what_another_tool_owns_is_off_unless_chosen_by_name(tmp_path: Path) -> None:
    settings = loaded(tmp_path, 'disable-overlap = ["ruff"]')
    assert "PRD201" not in RuleSelection(settings, RULES).on("app/a.py")
    assert "PRD201" in RuleSelection(settings, RULES).on("entrypoint.sh")  # ruff does not read it
    for chosen in ("PRD201", "prd201", "bare-except"):
        assert "PRD201" in RuleSelection(with_arguments(settings, extend_select=[chosen]), RULES).on("app/a.py")


def test_what_covers_a_rule_is_a_tool_that_the_settings_know() -> None:
    from prodlint.configuration.keys import OVERLAP
    from prodlint.engine import catalogue

    covered = {tool for rule in catalogue.own_rules() for tool in rule.covered_by}
    assert covered == set(OVERLAP)


def test_per_file_ignores_and_per_path_tables(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        """
[per-file-ignores]
"scripts/**" = ["PRD5"]
"!src/**" = ["bare-except"]

[[per-path]]
paths = ["legacy/"]
select = ["PRD002"]
priority = { PRD002 = "P0" }

[[per-path]]
paths = ["payments/*.py"]
extend-select = ["opt-in"]
""",
    )
    switches = RuleSelection(settings, RULES)
    assert switches.on("src/a.py") == ON
    assert switches.on("a.py") == ON - {"PRD201"}
    assert switches.on("scripts/x/a.py") == {"PRD002", "PRD202"}
    assert switches.on("legacy/x/a.py") == {"PRD002"}
    assert switches.on("payments/a.py") == ON - {"PRD201"} | {"PRD510"}
    assert switches.priority("PRD002", "legacy/a.py") == "P0"
    assert switches.priority("PRD002", "src/a.py") is None


def test_a_priority_for_a_prefix_yields_to_one_for_a_code(tmp_path: Path) -> None:
    switches = RuleSelection(loaded(tmp_path, '[priority]\nhttp-timeout-disabled = "P0"\nPRD5 = "P2"'), RULES)
    assert (switches.priority("PRD501", "a"), switches.priority("PRD502", "a"), switches.priority("PRD201", "a")) == ("P0", "P2", None)


# ---------------------------------------------------------------- loud about mistakes


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('selct = ["PRD501"]', "prodlint.toml:1: unknown setting `selct`; did you mean `select`?"),
        ("\nper_file_ignores = {}", "prodlint.toml:2: unknown setting `per_file_ignores`; did you mean `per-file-ignores`?"),
        ("zzz = 1", "prodlint.toml:1: unknown setting `zzz`"),
        ('# x\nselect = "PRD501"', "prodlint.toml:2: `select` must be a list of texts"),
        ('require-reason = "yes"', "prodlint.toml:1: `require-reason` must be true or false"),
        ('fail-on = "P3"', "prodlint.toml:1: `fail-on` must be one of `P0`, `P1`, `P2`, `never`"),
        ('exclude = ["a", "[open"]', "prodlint.toml:1: `exclude` holds the pattern `[open`, which can match nothing"),
        ('exclude = ["./src"]', "holds the pattern `./src`; patterns are written as in .gitignore"),
        ('[files]\n"*.x" = "phyton"', "prodlint.toml:2: `files.*.x` must be one of"),
        ('\n\n[roles]\ntets = ["x"]', "prodlint.toml:4: `roles.tets` must be one of"),
        ('honor = ["noka"]', "did you mean `noqa`?"),
        ("[[per-path]]\nselect = []", "prodlint.toml:1: `per-path` needs `paths`"),
        (
            '[[per-path]]\npaths = ["a"]\n[[per-path]]\npath = ["b"]',
            "prodlint.toml:4: unknown setting `per-path.path`; did you mean `paths`?",
        ),
        ('extend = "missing.toml"', "prodlint.toml:1: `extend` names `missing.toml`, which is no file"),
        ('extend-rules = ["nowhere"]', "which is no directory"),
        ("select = [", "prodlint.toml:1: is not TOML"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toml: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError) as raised:
        loaded(tmp_path, toml)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('select = [\n  "PRD501",\n  "PRD599",\n]', "prodlint.toml:3: unknown rule `PRD599`; did you mean `PRD"),
        ('ignore = ["bare-excpt"]', "prodlint.toml:1: unknown rule `bare-excpt`; did you mean `bare-except`?"),
        ('\n[per-file-ignores]\n"a" = ["XYZ"]', "prodlint.toml:2: unknown rule `XYZ` in `per-file-ignores`"),
        ('warn-only = ["PRD9"]', "unknown rule `PRD9` in `warn-only`"),
        ("[rules.PRD999]\nx = 1", "unknown rule `PRD999` in `rules`"),
    ],
)
def test_an_unknown_rule_is_named_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toml: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError) as raised:
        enabled(loaded(tmp_path, toml), RULES)
    assert message in str(raised.value)


def test_an_unknown_rule_on_the_command_line() -> None:
    with pytest.raises(SettingsError, match=r"^the command line: unknown rule `PRD77`"):
        enabled(with_arguments(Settings(), select=["PRD77"]), RULES)


def test_options_must_be_those_of_the_rule(tmp_path: Path) -> None:
    known = {"PRD501": {"hosts": ["a"], "seconds": 5.0, "strict": False}, "PRD201": {}}
    check_options(loaded(tmp_path, '[rules.PRD501]\nhosts = ["b"]\nseconds = 3\nstrict = true'), known)
    for toml, message in (
        ("[rules.PRD501]\nhost = 1", "`PRD501` has no option `host`; did you mean `hosts`?"),
        ("[rules.PRD201]\nhost = 1", "`PRD201` has no option `host`; it has no options"),
        ('[rules.PRD501]\nseconds = "3"', "option `seconds` of `PRD501` must be like its default `5.0`"),
        ("[rules.PRD501]\nseconds = true", "option `seconds` of `PRD501` must be like its default `5.0`"),
    ):
        with pytest.raises(SettingsError, match=message.replace("?", r"\?")):
            check_options(loaded(tmp_path, toml), known)


# ---------------------------------------------------------------- where settings come from


def test_the_nearest_file_is_read(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.prodlint]\nfail-on = "P0"\n')
    write(tmp_path / "a" / "pyproject.toml", '[project]\nname = "a"\n')
    write(tmp_path / "a" / "b" / "prodlint.toml", 'fail-on = "P1"\n')
    (tmp_path / "a" / "b" / "c").mkdir()
    assert load(tmp_path / "a", root=tmp_path).fail_on == "P0"
    assert load(tmp_path / "a" / "b" / "c", root=tmp_path).fail_on == "P1"
    assert load(tmp_path / "a" / "b" / "c", root=tmp_path).root == str(tmp_path / "a" / "b")
    assert load(tmp_path / "a" / "b", root=tmp_path, isolated=True).fail_on == "P2"
    assert load(tmp_path / "a" / "b", root=tmp_path, no_local=True).fail_on == "P2"


def test_nothing_above_the_root_is_read(tmp_path: Path) -> None:
    write(tmp_path / "prodlint.toml", 'fail-on = "P0"')
    (tmp_path / "a").mkdir()
    assert load(tmp_path / "a", root=tmp_path / "a").fail_on == "P2"


def test_prodlint_toml_wins_over_pyproject(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.prodlint]\nfail-on = "P0"\n')
    write(tmp_path / ".prodlint.toml", 'fail-on = "P1"\n')
    assert load(tmp_path, root=tmp_path).fail_on == "P1"
    write(tmp_path / "prodlint.toml", 'fail-on = "never"\n')
    assert load(tmp_path, root=tmp_path).fail_on == "never"


def test_a_broken_pyproject_of_somebody_else_is_not_ours_to_refuse(tmp_path: Path) -> None:
    assert loaded(tmp_path, "[project\n# prodlint", "pyproject.toml").fail_on == "P2"
    with pytest.raises(SettingsError, match="is not TOML"):
        loaded(tmp_path, "[tool.prodlint]\nselect = [", "pyproject.toml")


def test_extend_lays_one_file_over_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(
        tmp_path / "base.toml",
        'ignore = ["PRD5"]\nfail-on = "P0"\nextend-exclude = ["x"]\n[per-file-ignores]\n"a" = ["PRD201"]\n[rules.PRD501]\nhosts = ["a"]\n',
    )
    write(
        tmp_path / "s" / "pyproject.toml",
        '[tool.prodlint]\nextend = "../base.toml"\nextend-select = ["PRD502"]\nextend-exclude = ["y"]\n'
        '[tool.prodlint.per-file-ignores]\n"b" = ["PRD202"]\n',
    )
    settings = load(tmp_path / "s", root=tmp_path)
    assert settings.fail_on == "P0"
    assert settings.extend_exclude == ("x", "y")
    assert settings.per_file_ignores == {"a": ("PRD201",), "b": ("PRD202",)}
    assert enabled(settings, RULES) == {"PRD002", "PRD201", "PRD202", "PRD502"}
    assert settings.origins["fail-on"] == "base.toml:2"
    assert settings.origins["extend-exclude"] == "base.toml:3, s/pyproject.toml:4"
    assert settings.sources == ("base.toml", "s/pyproject.toml")


def test_extend_in_a_circle(tmp_path: Path) -> None:
    write(tmp_path / "a.toml", 'extend = "prodlint.toml"')
    with pytest.raises(SettingsError, match="goes in a circle"):
        loaded(tmp_path, 'extend = "a.toml"')


def test_a_config_file_and_single_values(tmp_path: Path) -> None:
    write(tmp_path / "prodlint.toml", 'fail-on = "P0"')
    central = write(tmp_path / "central.toml", 'require-reason = true\nignore = ["PRD201"]')
    settings = load(tmp_path, [str(central), 'fail-on = "P1"', "inline-ignores=false"], root=tmp_path)
    assert (settings.require_reason, settings.fail_on, settings.inline_ignores) == (True, "P1", False)
    assert settings.root == str(tmp_path)
    assert settings.origins["fail-on"] == "--config:1"
    assert load(tmp_path, ['fail-on="P1"'], root=tmp_path).fail_on == "P1"
    with pytest.raises(SettingsError, match=r"--config:1: unknown setting `fail_on`; did you mean `fail-on`\?"):
        load(tmp_path, ['fail_on="P1"'], root=tmp_path)
    with pytest.raises(SettingsError, match="no such settings file"):
        load(tmp_path, ["nowhere.toml"], root=tmp_path)
    with pytest.raises(SettingsError, match="--isolated"):
        load(tmp_path, [str(central)], isolated=True, root=tmp_path)


def test_nearest_gives_each_directory_its_own(tmp_path: Path) -> None:
    write(tmp_path / "prodlint.toml", 'fail-on = "P0"')
    write(tmp_path / "a" / "prodlint.toml", 'select = ["PRD201"]')
    top = load(tmp_path, root=tmp_path)
    nearest = NestedSettings(lambda settings: replace(settings, require_reason=True))
    assert nearest(str(tmp_path), top) is top
    own = nearest(str(tmp_path / "a"), top)
    assert (own.fail_on, own.require_reason, enabled(own, RULES)) == ("P2", True, {"PRD201"})
    (tmp_path / "b").mkdir()
    assert nearest(str(tmp_path / "b"), top) is top


def test_settings_travel_to_other_processes_and_have_a_digest(tmp_path: Path) -> None:
    one = loaded(tmp_path, 'select = ["PRD201"]\n[rules.PRD501]\nhosts = ["a"]')
    again = pickle.loads(pickle.dumps(one))
    assert again == one
    assert again.digest() == one.digest()
    assert one.digest() != replace(one, selections=(Selection(("PRD501",)),)).digest()
    assert one.digest() == replace(one, fail_on="never", root="/elsewhere").digest()


def test_a_pattern_that_matches_nothing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = loaded(tmp_path, '[per-file-ignores]\n"test/**" = ["PRD201"]\n"src/*.py" = ["PRD202"]\n[roles]\ntest = ["qa/"]')
    assert unmatched_patterns(settings, ["src/a.py", "tests/a.py"]) == [
        "prodlint.toml:1: the pattern `test/**` in `per-file-ignores` matches no file; did you mean `tests`?",
        "prodlint.toml:4: the pattern `qa/` in `roles` matches no file",
    ]


def test_each_file_has_the_settings_of_the_nearest_directory(tmp_path: Path) -> None:
    write(tmp_path / "prodlint.toml", '[per-file-ignores]\n"/x.py" = ["PRD201"]')
    write(tmp_path / "s" / "api" / "prodlint.toml", '[per-file-ignores]\n"/x.py" = ["PRD202"]')
    top, api = load(tmp_path, root=tmp_path), load(tmp_path / "s" / "api", root=tmp_path)
    realms = SettingsByPath(top, {"s/api": api})
    assert [realms.of(path) is api for path in ("x.py", "s/x.py", "s/api/x.py", "s/api/a/b/x.py", "s/api2/x.py")] == [
        False,
        False,
        True,
        True,
        False,
    ]
    assert SettingsByPath(top, {}).of("s/api/x.py") is top
    for settings, path, off in ((top, "x.py", "PRD201"), (api, "s/api/x.py", "PRD202")):
        switches = RuleSelection(settings, RULES, str(tmp_path))
        assert switches.on(path) == ON - {off}
        assert switches.on(path.replace("x.py", "a/x.py")) == ON
