"""PRD907 ci-workflow-attack-surface: GitHub workflows that strangers can steer, and tokens that may do too much."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from prodlint.checks import ByteRange, CheckContext, Diagnostic, Ranged, check, documents
from prodlint.checks.delivery.ci import owner_of_repository
from prodlint.checks.delivery.expressions import Expression, contexts_of, expressions_in
from prodlint.checks.delivery.pipelines import Job, Pipeline, Step, pipeline_of
from prodlint.checks.quoting import quote
from prodlint.counting import whole_number
from prodlint.facts import Document, Node
from prodlint.model import FixRequest, Priority, Related
from prodlint.values.scalars import lines_found_in

# Events that anybody with an account can cause and that run with the repository's secrets and token, from the definition on the
# default branch. https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
OUTSIDE_EVENTS = frozenset(
    ("issues", "issue_comment", "discussion", "discussion_comment", "pull_request_target", "workflow_run", "gollum", "fork", "watch")
)
# Events that hand over somebody's pull request and that run with its rights.
_WITH_A_HEAD = ("pull_request_target", "workflow_run", "issue_comment")
_PULL_REQUESTS = frozenset(("pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_target", "issue_comment"))

# ---------------------------------------------------------------- what a stranger writes

# https://docs.github.com/en/actions/concepts/security/script-injections
_WRITTEN_OUTSIDE = re.compile(
    r"github\.(?:head_ref|event\.(?:"
    r"issue\.(?:title|body)"
    r"|pull_request\.(?:title|body|head\.(?:ref|label)|head\.repo\.(?:default_branch|description|homepage))"
    r"|(?:comment|review|review_comment|answer)\.body"
    r"|discussion\.(?:title|body)"
    r"|changes\.(?:title|body)\.from"
    r"|pages\.\*\.(?:page_name|title|summary)"
    r"|(?:commits\.\*|head_commit|workflow_run\.head_commit|merge_group\.head_commit)\.(?:message|(?:author|committer)\.(?:name|email))"
    r"|workflow_run\.(?:head_branch|display_title|head_repository\.description|pull_requests\.\*\.head\.ref)"
    r"|check_(?:suite|run)\.(?:head_branch|check_suite\.head_branch)"
    r"))(?:\.\*)?\Z"
)
# Objects that hold such a text, written out as a whole by `toJSON`.
_HOLDS_OUTSIDE = re.compile(
    r"github(?:\.event(?:\.(?:issue|pull_request(?:\.head)?|comment|review|discussion|commits|head_commit|workflow_run|pages))?)?\Z"
)
_INPUT = re.compile(r"(?:github\.event\.)?inputs\.[\w-]+\Z")
# Steps whose outputs are names of files or branches of a pull request.
_OUTSIDE_OUTPUTS: Mapping[str, str] = {
    "tj-actions/changed-files": r"all_|.*_files$|(?:added|modified|renamed|deleted|copied)",
    "dorny/paths-filter": r".*_files$",
    "jitterbit/get-changed-files": r".*",
    "trilom/file-changes-action": r"files",
    "xt0rted/pull-request-comment-branch": r"(?:head|base)_ref",
    "tj-actions/branch-names": r"(?:current|head_ref|ref)_branch|head_ref_branch",
}
# Inputs of actions that are run as a script.
_SCRIPT_INPUTS: Mapping[str, Sequence[str]] = {
    "actions/github-script": ("script",),
    "appleboy/ssh-action": ("script",),
    "azure/cli": ("inlinescript",),
    "azure/powershell": ("inlinescript",),
    "nick-fields/retry": ("command", "on_retry_command"),
    "nick-invision/retry": ("command",),
    "addnab/docker-run-action": ("run", "options"),
    "jannekem/run-python-script-action": ("script",),
    "reactivecircus/android-emulator-runner": ("script", "pre-emulator-launch-script"),
    "cloudflare/wrangler-action": ("command", "precommands", "postcommands"),
    "devcontainers/ci": ("runcmd",),
    "amadevus/pwsh-script": ("script",),
    "mikefarah/yq": ("cmd",),
    "uraimo/run-on-arch-action": ("run", "install", "setup"),
    "vmactions/freebsd-vm": ("run", "prepare"),
}

# What lets only members, the repository's own branches or named accounts through.
MEMBERS_ONLY = re.compile(
    r"author_association"
    r"|head\.repo\.full_name\s*==\s*github\.(?:repository|event\.repository\.full_name)"
    r"|github\.repository\s*==\s*github\.event\.pull_request\.head\.repo\.full_name"
    r"|head_repository\.full_name\s*==\s*github\.repository|head_repository\.(?:id|owner\.login)\s*=="
    r"|head\.repo\.(?:id|owner\.login)\s*==|head\.user\.login\s*==|!\s*github\.event\.pull_request\.head\.repo\.fork|repo\.fork\s*==\s*false"
    r"|workflow_run\.event\s*(?:==\s*'(?:push|schedule|workflow_dispatch|release)'|!=\s*'pull_request)"
    r"|workflow_run\.head_branch\s*==\s*'(?:main|master)'"
    r"|(?:github\.(?:triggering_)?actor|sender\.login|(?:comment|issue|pull_request)\.user\.login)\s*==\s*'(?!dependabot|renovate)"
    r"|contains\(\s*(?:fromjson\([^)]*\)|'[^']*'|\S+)\s*,\s*(?:github\.(?:triggering_)?actor|github\.event\.(?:sender|comment\.user|issue\.user)\.login)\s*\)"
    r"|permission|collaborator|authoriz|is[-_]member|team",
    re.IGNORECASE,
)
# Somebody with rights sets a label after looking; what is pushed afterwards has it still.
_LABELLED = re.compile(r"label", re.IGNORECASE)
_SECRET = re.compile(r"(?<![\w.-])secrets\.(?!github_token\b)\w+|(?<![\w.-])secrets\s*\[|secrets:\s*inherit", re.IGNORECASE)


def _conditions(pipeline: Pipeline, job: Job) -> str:
    """The conditions that a job runs under, those of the jobs it waits for included: where one is skipped, so is it."""
    before = [pipeline.jobs[name] for name in sorted(pipeline.before(job)) if name in pipeline.jobs]
    words = [job.condition, *(each.condition for each in before)] if "always()" not in job.condition else [job.condition]
    return " ".join(words)


def _is_approved(pipeline: Pipeline, job: Job) -> bool:
    """Whether an environment stands before it, which may ask a person."""
    before = (pipeline.jobs[name] for name in pipeline.before(job) if name in pipeline.jobs)
    return bool(job.environment) or any(each.environment for each in before)


def _is_powerless(pipeline: Pipeline, job: Job) -> bool:
    """Whether its token may write nothing and no secret is given to it."""
    permissions = job.node.get("permissions") or pipeline.document.root.get("permissions")
    if permissions is None or _writes(permissions):
        return False
    text = job.node.source.slice(job.node.start, job.node.end)
    outer = pipeline.document.root.get("env")
    return not _SECRET.search(text) and not (outer is not None and _SECRET.search(outer.source.slice(outer.start, outer.end)))


def _writes(permissions: Node) -> bool:
    if permissions.kind == "scalar":
        return permissions.raw not in ("read-all", "none")
    return any(member.raw == "write" for member in permissions.members.values())


def weight_of(pipeline: Pipeline, job: Job, step: Step, path: str) -> Priority:
    """How bad it is that a context is put into the text of a script."""
    events = set(pipeline.triggers)
    conditions = f"{_conditions(pipeline, job)} {step.condition}"
    if events & OUTSIDE_EVENTS:
        if MEMBERS_ONLY.search(conditions) or _LABELLED.search(conditions) or _is_approved(pipeline, job) or _is_powerless(pipeline, job):
            return "P1"
        return "P0"
    if "workflow_call" in events and path.startswith("github."):
        return "P1"
    if "push" in events and "commit" in path and not _is_powerless(pipeline, job):
        return "P1"
    return "P2"


# ---------------------------------------------------------------- scripts


def scripts_of(step: Step) -> Iterator[Node]:
    """The scalars of a step that are run as code."""
    run = step.node.get("run")
    if run is not None and run.kind == "scalar":
        yield run
    given = step.node.get("with")
    names = _SCRIPT_INPUTS.get(step.uses, ())
    if given is not None and given.kind == "mapping" and names:
        yield from (member for key, member in given.members.items() if key.lower() in names and member.kind == "scalar")


class Values:
    """What `env.NAME`, outputs and the matrix stand for at a step, and which outputs hold what a stranger wrote."""

    def __init__(self, pipeline: Pipeline, job: Job, step: Step | None) -> None:
        self.pipeline = pipeline
        self.job = job
        own = [step.node.get("env")] if step is not None else []
        self.environments = [*own, job.node.get("env"), pipeline.document.root.get("env")]
        self.outputs = {
            other.identity.lower(): pattern
            for other in job.steps
            for action, pattern in _OUTSIDE_OUTPUTS.items()
            if other.identity and other.uses.startswith(action)
        }

    def sources(self, text: str, depth: int = 0) -> Iterator[str]:
        """The contexts of an expression; variables of the environment, outputs and the matrix followed to what they hold."""
        for path in contexts_of(text):
            followed = list(self._followed(path)) if depth <= 3 else []
            if not followed:
                yield path
            for values, inner in followed:
                yield from values.sources(inner, depth + 1)

    def _followed(self, path: str) -> Iterator[tuple[Values, str]]:
        """The expressions that a context takes its text from, each with where it stands."""
        kind, _, rest = path.partition(".")
        if kind == "env":
            yield from ((self, inner.text) for inner in _expressions(self._variable(rest)))
        elif kind == "matrix":
            matrix = self.job.node.get("strategy", "matrix")
            held = _member(matrix, rest) if matrix is not None else None
            for node in held.items if held is not None and held.kind == "sequence" else ():
                yield from ((self, inner.text) for inner in _expressions(node))
        elif kind in ("steps", "needs") and ".outputs." in rest:
            name, _, output = rest.partition(".outputs.")
            if kind == "steps":
                yield from self._written(name, output)
            else:
                for job in (job for key, job in self.pipeline.jobs.items() if key.lower() == name):
                    outputs = job.node.get("outputs")
                    inside = Values(self.pipeline, job, None)
                    yield from ((inside, inner.text) for inner in _expressions(_member(outputs, output) if outputs is not None else None))

    def _variable(self, name: str) -> Node | None:
        return next((found for each in self.environments if each is not None and (found := _member(each, name)) is not None), None)

    def _written(self, identity: str, output: str) -> Iterator[tuple[Values, str]]:
        """What a step writes into its output as it is: `echo "title=$TITLE" >> "$GITHUB_OUTPUT"`."""
        step = next((each for each in self.job.steps if each.identity.lower() == identity), None)
        for line in step.node.text_at("run").splitlines() if step is not None else ():
            written = _OUTPUT_LINE.search(line)
            if step is None or written is None or written[1].lower() != output or "$(" in written[2] or "`" in written[2]:
                continue
            values = Values(self.pipeline, self.job, step)
            yield from ((values, found[1].strip()) for found in re.finditer(r"\$\{\{(.*?)\}\}", written[2]))
            for found in re.finditer(r"\$\{?([A-Za-z_]\w*)\}?", written[2]):
                yield from ((values, inner.text) for inner in _expressions(values._variable(found[1].lower())))

    def is_outside(self, path: str, text: str) -> bool:
        """Whether somebody without rights may choose what a context holds."""
        if _WRITTEN_OUTSIDE.match(path) or ("tojson" in text.lower() and _HOLDS_OUTSIDE.match(path)):
            return True
        steps, _, rest = path.partition(".")
        identity, _, output = rest.partition(".outputs.")
        pattern = self.outputs.get(identity) if steps == "steps" else None
        return pattern is not None and re.match(pattern, output) is not None


# `echo "name=value" >> $GITHUB_OUTPUT`, and the command for it of old.
_OUTPUT_LINE = re.compile(
    r"(?:(?:echo|printf)\s+(?:-\w+\s+)?[\"']?(?=[\w-]+=.*GITHUB_OUTPUT)|::set-output\s+name=)([\w-]+)(?:=|::)(.*?)(?:>>.*)?$"
)


def _names_its_branch(pipeline: Pipeline) -> bool:
    """Whether a workflow that starts after another one does so for branches that it names: then their names are the only ones there are."""
    after = pipeline.triggers.get("workflow_run")
    branches = after.get("branches") if after is not None else None
    return branches is not None and bool(branches.items) and not any(set("*?[!") & set(each.raw) for each in branches.items)


def _expressions(node: Node | None) -> Iterator[Expression]:
    return expressions_in(node) if node is not None and node.kind == "scalar" else iter(())


def _member(mapping: Node, name: str) -> Node | None:
    """The value of a key, whatever its case."""
    return next((value for key, value in mapping.members.items() if key.lower() == name), None) if mapping.kind == "mapping" else None


@check("PRD907", on=[documents("github-workflow", "github-action")], required_literals=["${{"], files=("yaml",))
def text_in_script(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`${{ github.event.issue.title }}` in a script: the text is put in before the shell reads it, quotes and all."""
    pipeline = pipeline_of(document)
    if pipeline is None:
        return
    lesser: list[tuple[Expression, str]] = []
    seen: set[int] = set()
    for job in pipeline.jobs.values():
        for step in job.steps:
            values = Values(pipeline, job, step)
            for node in scripts_of(step):
                for expression in expressions_in(node):
                    path = next((path for path in values.sources(expression.text) if values.is_outside(path, expression.text)), "")
                    typed = not path and bool(context.options.get("inputs")) and _is_typed_input(document, expression, values)
                    if (
                        expression.start in seen
                        or not (path or typed)
                        or (path.endswith("workflow_run.head_branch") and _names_its_branch(pipeline))
                    ):
                        continue
                    seen.add(expression.start)
                    weight = weight_of(pipeline, job, step, path) if path else "P2"
                    if weight == "P2":
                        lesser.append((expression, path))
                        continue
                    at = ByteRange(document.source, expression.start, expression.end)
                    yield Diagnostic(at, _injected(expression, pipeline, weight), priority=weight)
    if lesser:
        yield _lesser(document, pipeline, lesser)


def _injected(expression: Expression, pipeline: Pipeline, weight: Priority) -> str:
    shown = f"`${{{{ {_short(expression.text)} }}}}`"
    who = "Whoever starts this event" if set(pipeline.triggers) & OUTSIDE_EVENTS and weight == "P0" else "Whoever writes it"
    return f"Template injection: {shown} is pasted into the script before it runs. {who} can run commands here"


def _short(text: str) -> str:
    return quote(text)


def _lesser(document: Document, pipeline: Pipeline, found: Sequence[tuple[Expression, str]]) -> Diagnostic:
    """One finding for the expressions that only people with rights, or those whose pull request runs anyway, can choose."""
    first, path = found[0]
    more = f" ({len(found) - 1} more in this file)" if len(found) > 1 else ""
    related = tuple(
        Related(document.file.path, document.source.span(each.start, each.end), f"`{_short(each.text)}`") for each, _ in found[1:11]
    )
    why = "quotes and `$( )` in it are run as code" if path else "quotes and `$( )` in this input are run as code"
    message = f"Template injection: `${{{{ {_short(first.text)} }}}}` is pasted into the script before it runs: {why}{more}"
    return Diagnostic(ByteRange(document.source, first.start, first.end), message, priority="P2", related=related)


def _is_typed_input(document: Document, expression: Expression, values: Values) -> bool:
    """An input that takes any text; choices, booleans and numbers are what they are."""
    for path in values.sources(expression.text):
        if not _INPUT.match(path):
            continue
        name = path.rpartition(".")[2]
        declared = [
            found
            for event in ("workflow_dispatch", "workflow_call")
            for holder in (document.root.get("on") or document.root.get("true"),)
            if holder is not None and (listed := holder.get(event, "inputs")) is not None and (found := _member(listed, name)) is not None
        ]
        own = document.root.get("inputs")
        if document.kind == "github-action" and own is not None and (found := _member(own, name)) is not None:
            declared.append(found)
        if declared and all(each.text_at("type") in ("", "string") for each in declared):
            return True
    return False


# ---------------------------------------------------------------- code of strangers

_HEAD = re.compile(
    r"github\.(?:head_ref|event\.(?:pull_request\.(?:head\.(?:sha|ref|label)|merge_commit_sha|number)"
    r"|number|issue\.number|workflow_run\.(?:head_(?:sha|branch|commit\.id)|pull_requests)))\b"
    r"|\brefs/pull/|steps\.[\w-]+\.outputs\.(?:[\w-]*head[\w-]*|ref|sha|pr[\w-]*)\b|needs\.[\w-]+\.outputs\.(?:[\w-]*head[\w-]*|ref|sha|pr[\w-]*)\b",
    re.IGNORECASE,
)
_FETCHES_HEAD = re.compile(
    r"\bgh\s+pr\s+checkout\b|\bgit\s+(?:fetch|pull)\b[^\n]*\bpull/|\bgit\s+(?:checkout|switch|merge)\b[^\n]*(?:head\.(?:sha|ref)|head_ref|head_sha)"
)
# Programs that read what is checked out and run none of it.
_ONLY_READ = frozenset(
    "echo printf git gh cat cd ls jq yq curl wget mkdir rm cp mv export test [ [[ grep sed awk head tail wc sort uniq diff cut tr tee date sleep "
    "rsync true false exit set unset pwd find stat touch chmod unzip tar zip which command read source-highlight sha256sum basename dirname xargs if for".split()
)


@check("PRD907", on=[documents("github-workflow")], required_literals=list(_WITH_A_HEAD), files=("yaml",))
def strangers_code(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A checkout of the head of a pull request in a workflow that runs with the repository's secrets."""
    pipeline = pipeline_of(document)
    event = next((name for name in _WITH_A_HEAD if pipeline is not None and name in pipeline.triggers), "")
    if pipeline is None or not event:
        return
    for job in pipeline.jobs.values():
        for index, step in enumerate(job.steps):
            at = _checks_out_head(step, event)
            conditions = f"{_conditions(pipeline, job)} {step.condition}"
            if at is None or _is_for_another_event(conditions, event) or _same_repository(conditions):
                continue
            runs = _runs_what_is_there(step, job.steps[index + 1 :])
            guarded = MEMBERS_ONLY.search(conditions) or _LABELLED.search(conditions) or _is_approved(pipeline, job)
            if guarded and (not runs or MEMBERS_ONLY.search(conditions)):
                continue
            what = "a later step runs code from it" if runs else "anything that builds or runs it"
            end = "" if runs else " hands the token to its author"
            message = f"`{event}` runs with the repository's token and secrets, and this checks out the pull request: {what}{end}"
            yield Diagnostic(at, message, priority="P1" if guarded or not runs or _is_powerless(pipeline, job) else "P0")
            break


def _checks_out_head(step: Step, event: str) -> Node | None:
    """Where a step takes the head of a pull request."""
    if step.uses == "actions/checkout":
        reference = step.node.get("with", "ref")
        if reference is not None and reference.kind == "scalar" and _HEAD.search(reference.raw):
            # The number alone is a branch's name nowhere; `refs/pull/N/merge` holds the stranger's files as well.
            return reference
        repository = step.node.get("with", "repository")
        if repository is not None and "head" in repository.raw and "${{" in repository.raw:
            return repository
        return None
    run = step.node.get("run")
    if run is not None and run.kind == "scalar" and _FETCHES_HEAD.search(run.raw):
        return run
    return None


_EVENT_NAME = re.compile(r"github\.event_name\s*(==|!=)\s*'(\w+)'")


def _is_for_another_event(conditions: str, event: str) -> bool:
    """Whether the conditions keep the job or step to other events than that one."""
    named = _EVENT_NAME.findall(conditions)
    wanted = {name for sign, name in named if sign == "=="}
    return (bool(wanted) and event not in wanted and not (wanted & set(_WITH_A_HEAD))) or ("!=", event) in named


def _same_repository(conditions: str) -> bool:
    """Whether pull requests from forks are left out."""
    return (
        re.search(
            r"head\.repo\.full_name\s*==|==\s*github\.event\.pull_request\.head\.repo\.full_name|!\s*github\.event\.pull_request\.head\.repo\.fork|fork\s*==\s*false",
            conditions,
        )
        is not None
    )


def _runs_what_is_there(checkout: Step, later: Sequence[Step]) -> bool:
    """Whether a step after a checkout runs something of it."""
    folder = checkout.node.text_at("with", "path").strip("./")
    for step in later:
        if step.uses.startswith("./"):
            return True
        text = f"{step.node.text_at('run')} {step.node.text_at('working-directory')}"
        if folder and not re.search(rf"(?<![\w.-]){re.escape(folder)}(?![\w.-])", text):
            continue
        if any(command.program not in _ONLY_READ for command in step.commands):
            return True
    return False


# ---------------------------------------------------------------- artifacts and variables of strangers

_FROM_A_FILE = re.compile(r"(?:\$\(\s*(?:cat|<)|\bcat\s|`cat\s)[^\n]*>>\s*[\"']?\$\{?GITHUB_(?:ENV|PATH)\b")
_DOWNLOADS = ("actions/download-artifact", "dawidd6/action-download-artifact")


@check(
    "PRD907",
    on=[documents("github-workflow")],
    required_literals=[("workflow_run", "github_env"), ("workflow_run", "github_path"), ("pull_request_target", "github_env")],
    files=("yaml",),
)
def environment_of_an_artifact(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A file of a pull request's artifact written into `$GITHUB_ENV`: it may set `LD_PRELOAD` or `BASH_ENV` for every later step."""
    pipeline = pipeline_of(document)
    if pipeline is None or not set(pipeline.triggers) & {"workflow_run", "pull_request_target"}:
        return
    for job in pipeline.jobs.values():
        fetched = False
        for step in job.steps:
            fetched = (
                fetched
                or step.uses.startswith(_DOWNLOADS)
                or "gh run download" in step.node.text_at("run")
                or _checks_out_head(step, "") is not None
            )
            run = step.node.get("run")
            found = (
                re.search(_FROM_A_FILE.pattern.encode(), document.source.data[run.start : run.end]) if fetched and run is not None else None
            )
            if run is not None and found is not None and not MEMBERS_ONLY.search(_conditions(pipeline, job)):
                at = ByteRange(document.source, run.start + found.start(), run.start + found.end())
                yield Diagnostic(
                    at,
                    "The contents of an untrusted file are written to `$GITHUB_ENV`: it can set `LD_PRELOAD` for the steps after it",
                    priority="P1",
                )


_WRITES_ENVIRONMENT = re.compile(r"(?m)^.*>>\s*[\"']?\$\{?GITHUB_(?:ENV|PATH)\b.*$")
_SEVERAL_LINES = re.compile(r"\.(?:body|message)\Z")


@check(
    "PRD907",
    on=[documents("github-workflow")],
    required_literals=[("github_env", "body"), ("github_env", "message"), ("github_path", "body")],
    files=("yaml",),
)
def environment_of_a_text(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`echo "BODY=$BODY" >> $GITHUB_ENV`: the second line of a comment sets a variable of its own."""
    pipeline = pipeline_of(document)
    if pipeline is None or not set(pipeline.triggers) & OUTSIDE_EVENTS:
        return
    for job in pipeline.jobs.values():
        for step in job.steps:
            run = step.node.get("run")
            if run is None or run.kind != "scalar" or MEMBERS_ONLY.search(f"{_conditions(pipeline, job)} {step.condition}"):
                continue
            values = Values(pipeline, job, step)
            for line in _WRITES_ENVIRONMENT.finditer(run.raw):
                names = re.findall(r"\$\{?([A-Za-z_]\w*)", line[0])
                held = [values.sources(f"env.{name.lower()}") for name in names]
                if any(_SEVERAL_LINES.search(path) and values.is_outside(path, path) for sources in held for path in sources):
                    message = (
                        "Text of several lines is written to `$GITHUB_ENV`: its second line can set `LD_PRELOAD` for the steps after it"
                    )
                    yield Diagnostic(run, message, priority="P1")
                    break


_BOT = re.compile(
    r"github\.(?:triggering_)?actor\s*==\s*'([\w-]+\[bot\])'|'([\w-]+\[bot\])'\s*==\s*github\.(?:triggering_)?actor"
    r"|contains\([^()]*(?:\([^()]*)?['\"\s,]([\w-]+\[bot\])[^()]*\)?\s*,\s*github\.(?:triggering_)?actor\s*\)"
)


@check(
    "PRD907",
    on=[documents("github-workflow")],
    required_literals=[("pull_request_target", "[bot]"), ("issue_comment", "[bot]")],
    files=("yaml",),
)
def actor_taken_for_author(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`github.actor == 'dependabot[bot]'` under `pull_request_target`: the actor is whoever caused the last event, not the author."""
    pipeline = pipeline_of(document)
    if pipeline is None or not set(pipeline.triggers) & {"pull_request_target", "issue_comment"}:
        return
    for job in pipeline.jobs.values():
        nodes = [job.node.get("if"), *(step.node.get("if") for step in job.steps)]
        for node in nodes:
            found = _BOT.search(node.raw) if node is not None and node.kind == "scalar" else None
            if node is not None and found is not None:
                message = f"`github.actor` is whoever caused the last event, not the author: a stranger's pull request passes as `{found[1] or found[2] or found[3]}`. Use `github.event.pull_request.user.login`"
                yield Diagnostic(node, message, priority="P1")


# ---------------------------------------------------------------- permissions of the token


@check("PRD907", on=[documents("github-workflow")], required_literals=["jobs:"], files=("yaml",))
def token_permissions(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`permissions: write-all`, or none at all: then the repository's default decides, and in older ones that is write."""
    pipeline = pipeline_of(document)
    root = document.root
    jobs = root.get("jobs")
    if pipeline is None or jobs is None or not pipeline.jobs:
        return
    outer = root.get("permissions")
    for node in (outer, *(job.node.get("permissions") for job in pipeline.jobs.values())):
        if node is not None and node.raw == "write-all":
            yield Diagnostic(_keyed(node), "`permissions: write-all` lets every step change anything in the repository", priority="P1")
    yield from _wider_than_needed(pipeline, outer, everywhere=bool(context.options.get("any-right")))
    # What a workflow of this repository may do that is called here, it may say itself.
    bare = [job for job in pipeline.jobs.values() if job.node.get("permissions") is None and not job.calls.startswith("./")]
    if outer is not None or not bare or set(pipeline.triggers) <= {"workflow_call"} or context.options.get("read-only-default"):
        return
    at = ByteRange(document.source, jobs.key_start, jobs.key_end) if len(bare) == len(pipeline.jobs) else _job_key(bare[0])
    message = "No `permissions`: the workflow's token can write to the repository, unless the repository's default is read-only"
    fix = None
    if len(bare) == len(pipeline.jobs) and all(_needs_to_read(job) for job in bare):
        fix = FixRequest("insert-line-before", "Add `permissions: contents: read`", False, (("text", "permissions:\n  contents: read\n"),))
    yield Diagnostic(at, message, priority="P2", fix=fix)


# With these a job changes what others install or run; the others write comments and results.
_PUBLISHING = frozenset(("contents", "packages", "id-token", "actions", "deployments"))


def _wider_than_needed(pipeline: Pipeline, outer: Node | None, *, everywhere: bool) -> Iterator[Diagnostic]:
    """Rights to write that one job needs and that are given to all, a job that only reads among them. everywhere: not only rights to publish."""
    bare = [job for job in pipeline.jobs.values() if job.node.get("permissions") is None]
    writes = [node for node in outer.members.values() if node.raw == "write"] if outer is not None and outer.kind == "mapping" else []
    reader = next((job for job in bare if not job.calls and job.steps and _needs_to_read(job)), None)
    writes.sort(key=lambda node: node.path.rpartition(".")[2] not in _PUBLISHING)
    if writes and reader is not None and len(bare) > 1 and (everywhere or writes[0].path.rpartition(".")[2] in _PUBLISHING):
        scope = _keyed(writes[0])
        name = writes[0].path.rpartition(".")[2]
        message = f"`{name}: write` is given to every job, and `{reader.name}` only reads: give it to the job that needs it"
        yield Diagnostic(scope, message, priority="P2")


# Actions that read the repository with the token, or do not use it at all.
_READERS = (
    "actions/checkout", "actions/setup-", "actions/cache", "actions/upload-artifact", "actions/download-artifact", "astral-sh/", "docker/setup-",
    "pre-commit/action", "codecov/codecov-action", "snok/install-poetry", "abatilo/actions-poetry", "extractions/setup-just", "hadolint/",
    "rhysd/actionlint", "psf/black", "pnpm/action-setup", "oven-sh/setup-bun", "shogo82148/actions-setup-", "supercharge/",
)  # fmt: skip
_USES_TOKEN = re.compile(
    r"github_token|github\.token|secrets\.|\bgit\s+push\b|\bgh\s|GH_TOKEN|ghcr\.io|npm publish|twine|semantic-release", re.IGNORECASE
)


def _needs_to_read(job: Job) -> bool:
    """Whether nothing in a job is seen to use more of the token than a checkout does."""
    if job.calls or _USES_TOKEN.search(job.node.source.slice(job.node.start, job.node.end)):
        return False
    return all(not step.uses or step.uses.startswith(_READERS) for step in job.steps)


def _keyed(node: Node) -> ByteRange:
    return ByteRange(node.source, node.key_start if node.key_end > node.key_start else node.start, node.end)


def _job_key(job: Job) -> Ranged:
    node = job.node
    return ByteRange(node.source, node.key_start, node.key_end) if node.key_end > node.key_start else node


# ---------------------------------------------------------------- tokens of apps, code that Dependabot runs


@check("PRD907", on=[documents("github-workflow", "github-action")], required_literals=["skip-token-revoke"], files=("yaml",))
def token_that_stays(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`skip-token-revoke: true` of create-github-app-token: the token works for an hour after the job."""
    pipeline = pipeline_of(document)
    for job in pipeline.jobs.values() if pipeline is not None else ():
        for step in job.steps:
            kept = step.node.get("with", "skip-token-revoke")
            if kept is not None and kept.raw.lower() == "true":
                yield Diagnostic(_keyed(kept), "`skip-token-revoke` leaves the app's token valid when the job has ended", priority="P2")


@check("PRD907", on=[documents("dependabot")], required_literals=["insecure-external-code-execution"], files=("yaml",))
def code_that_dependabot_runs(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`insecure-external-code-execution: allow`: a manifest of a new version runs code where private registries' keys are."""
    updates = document.root.get("updates")
    for update in updates.items if updates is not None else ():
        allowed = update.get("insecure-external-code-execution")
        if allowed is not None and allowed.raw == "allow":
            words = "`insecure-external-code-execution` runs code of the packages with access to the registries of this update"
            yield Diagnostic(_keyed(allowed), words, priority="P1")


# ---------------------------------------------------------------- secrets and credentials


@check("PRD907", on=[documents("github-workflow", "github-action")], required_literals=["secrets"], files=("yaml",))
def secrets_handed_on(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """All secrets to another owner's workflow, all of them as JSON, or one in a condition, where there are none."""
    pipeline = pipeline_of(document)
    if pipeline is None:
        return
    own = owner_of_repository(context)
    yield from _secrets_taken(document.root.get("env"))
    for job in pipeline.jobs.values():
        inherited = job.node.get("secrets")
        if inherited is not None and inherited.raw == "inherit" and job.calls and not job.calls.startswith(("./", "${{")):
            owner = job.calls.split("/", 1)[0].lower()
            if owner != own:
                # Where nothing tells whose repository this is, it may be the owner's own.
                yield Diagnostic(
                    _keyed(inherited),
                    f"`secrets: inherit` hands every secret to `{owner}`'s workflow; pass those that it needs",
                    priority="P1" if own else "P2",
                )
        for node in (job.node.get("if"), *(step.node.get("if") for step in job.steps)):
            if node is not None and node.kind == "scalar" and re.search(r"(?<![\w.-])secrets\.\w+", node.raw):
                yield Diagnostic(
                    node, "`secrets` cannot be used in `if`: GitHub rejects the workflow. Put it into `env` and ask for that", priority="P1"
                )
        yield from _secrets_taken(job.node.get("env"))
        for step in job.steps:
            yield from _secrets_written_out(step)


_ALL_SECRETS = re.compile(r"tojson\(\s*secrets\s*\)", re.IGNORECASE)
_ANY_SECRET = re.compile(r"\bsecrets\s*\[\s*(?!'[\w-]+'\s*\])", re.IGNORECASE)
_TAKEN_APART = re.compile(r"fromjson\(\s*secrets\.(\w+)\s*\)\s*[.\[]", re.IGNORECASE)
_ECHOES = re.compile(rb"(?m)^[ \t]*(?:echo|printf)\b[^\n|>;&]*\$\{\{\s*secrets\.(\w+)\s*\}\}[^\n|>;&]*$")


def _secrets_written_out(step: Step) -> Iterator[Diagnostic]:
    source = step.node.source
    for holder in (step.node.get("env"), step.node.get("with"), step.node.get("run")):
        yield from _secrets_taken(holder)
    run = step.node.get("run")
    if run is not None and run.kind == "scalar":
        for found in lines_found_in(run, _ECHOES):
            at = ByteRange(source, *found.place(1))
            yield Diagnostic(at, f"`{found.match[1].decode()}` is printed to the log: masking only hides its exact text", priority="P2")


def _secrets_taken(holder: Node | None) -> Iterator[Diagnostic]:
    """Expressions that take more than one secret by its name."""
    for node in holder.walk() if holder is not None else ():
        for expression in expressions_in(node) if node.kind == "scalar" else ():
            at = ByteRange(node.source, expression.start, expression.end)
            taken_apart = _TAKEN_APART.search(expression.text)
            if _ALL_SECRETS.search(expression.text):
                yield Diagnostic(at, "`toJSON(secrets)` gives this step every secret of the repository", priority="P1")
            elif _ANY_SECRET.search(expression.text):
                yield Diagnostic(at, "`secrets[...]` by a computed name gives this job every secret of the repository", priority="P2")
            elif taken_apart is not None:
                words = f"a part of the secret `{taken_apart[1]}` is not masked in the log: GitHub only knows the whole"
                yield Diagnostic(at, words, priority="P2")


_ROOT_PATHS = frozenset(
    (".", "./", "..", "*", "**", "./*", "./**", "**/*", "/", "${{ github.workspace }}", "${{ github.workspace }}/", "$GITHUB_WORKSPACE")
)


@check(
    "PRD907",
    on=[documents("github-workflow", "github-action")],
    required_literals=[("actions/checkout", "actions/upload-artifact")],
    files=("yaml",),
)
def credentials_in_artifact(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """The working tree uploaded with `.git/config`, in which checkout leaves the job's token.

    checkout 6 keeps it outside of the tree; upload-artifact leaves hidden files out since 4.4.
    """
    pipeline = pipeline_of(document)
    for job in pipeline.jobs.values() if pipeline is not None else ():
        left = False
        for step in job.steps:
            if step.uses == "actions/checkout":
                left = step.node.text_at("with", "persist-credentials") != "false" and _major(step) < 6
            elif step.uses == "actions/upload-artifact" and left:
                path = step.node.get("with", "path")
                hidden = step.node.text_at("with", "include-hidden-files") == "true" or _major(step) < 4
                if path is not None and hidden and any(line.strip() in _ROOT_PATHS for line in str(path.value).splitlines()):
                    yield Diagnostic(
                        path,
                        "The artifact holds `.git/config` with the job's token: anybody who can read the run can take it",
                        priority="P1",
                    )


_MAJOR = re.compile(r"v?(\d+)(?:\.|$)")
_NOTED = re.compile(r"#\s*v?(\d+)(?:\.|\s|$)")


def _major(step: Step) -> int:
    """The major version of an action, by its tag or by the note behind a pinned commit; a high one where neither tells."""
    if step.action is None:
        return 99
    reference = step.action.raw.partition("@")[2]
    found = _MAJOR.match(reference) if len(reference) < 40 else None
    if found is None:
        source = step.action.source
        found = _NOTED.search(source.line_text(source.position(step.action.start)[0]))
    number = whole_number(found[1]) if found is not None else None
    return number if number is not None else 99


# ---------------------------------------------------------------- runners, caches, commands of old


@check("PRD907", on=[documents("github-workflow")], required_literals=["self-hosted"], files=("yaml",))
def runner_for_strangers(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A machine of one's own that runs what any pull request says: what one job leaves there, the next one finds."""
    pipeline = pipeline_of(document)
    events = set(pipeline.triggers) & (_PULL_REQUESTS | OUTSIDE_EVENTS) if pipeline is not None else set()
    for job in pipeline.jobs.values() if pipeline is not None and events else ():
        node = job.node.get("runs-on")
        labels = {each.raw for each in node.walk()} if node is not None else set[str]()
        conditions = _conditions(pipeline, job) if pipeline is not None else ""
        if node is not None and "self-hosted" in labels and not _same_repository(conditions) and not MEMBERS_ONLY.search(conditions):
            shown = min(events)
            yield Diagnostic(
                node, f"A self-hosted runner runs code from `{shown}`: in a public repository anybody can run code on it", priority="P2"
            )


@check("PRD907", on=[documents("github-workflow", "github-action")], required_literals=["actions_allow_unsecure_commands"], files=("yaml",))
def commands_of_old(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`ACTIONS_ALLOW_UNSECURE_COMMANDS`: whatever is printed may set variables and PATH again."""
    for node in document.root.walk():
        if node.path.endswith("env.ACTIONS_ALLOW_UNSECURE_COMMANDS") and node.raw.lower() in ("true", "1"):
            yield Diagnostic(
                _keyed(node),
                "`ACTIONS_ALLOW_UNSECURE_COMMANDS` lets anything that prints to the log set variables and `PATH`",
                priority="P1",
            )


_CACHES = ("actions/cache", "swatinem/rust-cache", "runs-on/cache", "useblacksmith/cache")
_CACHING_SETUPS = ("actions/setup-python", "actions/setup-node", "actions/setup-java", "actions/setup-go", "actions/setup-dotnet")


@check(
    "PRD907",
    on=[documents("github-workflow")],
    required_literals=[("cache", "release"), ("cache", "tags"), ("cache", "publish")],
    files=("yaml",),
)
def cache_in_release(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A cache restored in the job that publishes: whoever could write to it decides what is released."""
    pipeline = pipeline_of(document)
    if pipeline is None or not ("release" in pipeline.triggers or pipeline.tags_only) or not context.options.get("caches"):
        return
    for job in pipeline.jobs.values():
        publishes = next((program for step in job.steps for kind, program in step.releases() if kind == "publish"), "")
        cached = next((step for step in job.steps if _restores(step)), None)
        if publishes and cached is not None and cached.action is not None:
            yield Diagnostic(
                cached.action,
                f"`{job.name}` restores a cache and publishes with `{publishes}`: a poisoned cache gets into the release",
                priority="P2",
            )


def _restores(step: Step) -> bool:
    if step.uses == "astral-sh/setup-uv":
        # On GitHub's runners it caches unless told otherwise, since version 5.
        return step.node.text_at("with", "enable-cache") in (("true", "auto", "") if 5 <= _major(step) < 99 else ("true",))
    if step.uses in ("docker/build-push-action", "docker/bake-action", "depot/build-push-action"):
        return "type=gha" in step.node.text_at("with", "cache-from") + step.node.text_at("with", "set")
    if step.uses.startswith(_CACHES) and not step.uses.endswith("/save"):
        return True
    return step.uses.startswith(_CACHING_SETUPS) and step.node.text_at("with", "cache") not in ("", "false")
