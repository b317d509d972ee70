"""PRD907 in the systems beside GitHub: text of strangers put into scripts, and variables printed, by GitLab, Azure, CircleCI and Jenkins."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prodlint.checks import ByteRange, CheckContext, Diagnostic, check, documents, settings, text
from prodlint.facts import Document, Node, Setting, Text
from prodlint.values.scalars import Found, found_in

# ---------------------------------------------------------------- Azure Pipelines

# https://learn.microsoft.com/azure/devops/pipelines/build/variables: `$(...)` is replaced before the script starts.
_AZURE = re.compile(
    rb"\$\(\s*(Build\.(?:SourceVersionMessage|SourceBranchName|SourceBranch|RequestedFor)|System\.PullRequest\.(?:SourceBranch|SourceCommitId|title))\s*\)",
    re.IGNORECASE,
)
_AZURE_SCRIPTS = ("script", "bash", "powershell", "pwsh")


@check(
    "PRD907",
    on=[documents("azure-pipelines")],
    required_literals=["$(build.", "$(system.", "$( build.", "persistcredentials"],
    files=("yaml",),
)
def macro_in_script(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`echo $(Build.SourceVersionMessage)`: the commit's message becomes part of the script."""
    for node in document.root.walk():
        if node.kind == "scalar" and (_last(node) in _AZURE_SCRIPTS or node.path.endswith(".inputs.inlineScript")):
            for found in found_in(node, _AZURE):
                named = found.match[1]
                if not named.lower().endswith((b"sourcecommitid", b"sourcebranch")) or b"PullRequest" in named:
                    yield _pasted(document, found)


def _last(node: Node) -> str:
    return node.path.rsplit(".", 1)[-1]


def _pasted(document: Document, found: Found) -> Diagnostic:
    shown = " ".join(found.match[0].decode("utf-8", "replace").split())
    at = ByteRange(document.source, *found.place())
    return Diagnostic(
        at,
        f"Template injection: `{shown}` is pasted into the script before it runs. Whoever writes it can run commands here",
        priority="P1",
    )


# ---------------------------------------------------------------- CircleCI

# https://circleci.com/docs/pipeline-variables/
_CIRCLECI = re.compile(
    rb"<<\s*pipeline\.(?:git\.(?:branch|tag)|event\.[\w.]+|trigger_parameters\.[\w.]+(?:message|title|branch|body)|git\.commit\.(?:message|subject|author\.\w+))\s*>>"
)


@check(
    "PRD907",
    on=[documents("circleci")],
    required_literals=["pipeline.git.", "pipeline.event.", "pipeline.trigger_parameters."],
    files=("yaml",),
)
def pipeline_value_in_script(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`echo << pipeline.git.branch >>`: the branch's name becomes part of the script."""
    for node in document.root.walk():
        if node.kind == "scalar" and (_last(node) == "run" or node.path.endswith(".run.command")):
            for found in found_in(node, _CIRCLECI):
                yield _pasted(document, found)


# ---------------------------------------------------------------- Jenkins

_GROOVY_STEP = re.compile(
    r'\b(?:sh|bat|powershell|pwsh)\b[ \t]*\(?[^\n"\']*?(?:"""(?P<long>.*?)"""|"(?P<line>(?:[^"\\\n]|\\.)*)")', re.DOTALL
)
_JENKINS = re.compile(
    r"\$\{\s*env\.(CHANGE_(?:TITLE|BRANCH|AUTHOR(?:_DISPLAY_NAME)?|FORK)|GIT_BRANCH|BRANCH_NAME|ghprb\w+"
    r"|gitlab(?:MergeRequestTitle|MergeRequestDescription|SourceBranch))\s*\}"
)


@check(
    "PRD907",
    on=[text()],
    required_literals=["env.change_", "env.git_branch", "env.branch_name", "env.ghprb", "env.gitlab"],
    files=("jenkinsfile",),
)
def groovy_value_in_script(whole: Text, context: CheckContext) -> Iterator[Diagnostic]:
    """`sh "echo ${env.CHANGE_TITLE}"`: Groovy puts the text in before the shell reads it."""
    for step in _GROOVY_STEP.finditer(whole.source.text):
        for found in _JENKINS.finditer(whole.source.text, *step.span(step.lastgroup or 0)):
            at = ByteRange(whole.source, whole.source.offset(found.start()), whole.source.offset(found.end()))
            yield Diagnostic(
                at,
                f"Template injection: Groovy pastes `{found[0]}` into the script before it runs. Quote the step with `'` and use `${found[1]}`",
                priority="P1",
            )


# ---------------------------------------------------------------- GitLab

# https://docs.gitlab.com/ci/variables/predefined_variables/: what whoever opens a merge request or pushes a branch writes
_GITLAB = rb"CI_(?:MERGE_REQUEST_(?:TITLE|DESCRIPTION|SOURCE_BRANCH_NAME)|COMMIT_(?:MESSAGE|TITLE|DESCRIPTION|BRANCH|REF_NAME|AUTHOR|TAG_MESSAGE))"
_SECOND_SHELL = re.compile(
    rb"(?:\beval\b[ \t]+[^\n;|]*?|\b(?:ba|da|z)?sh[ \t]+-\w*c[ \t]+\"[^\"\n]*?|\bssh\b[^\n\"]*\"[^\"\n]*?|\bpython3?[ \t]+-c[ \t]+\"[^\"\n]*?)\$\{?("
    + _GITLAB
    + rb")\b"
)


@check(
    "PRD907",
    on=[documents("gitlab-ci")],
    required_literals=[
        "ci_merge_request_",
        "ci_commit_message",
        "ci_commit_title",
        "ci_commit_branch",
        "ci_commit_ref_name",
        "ci_commit_description",
        "ci_commit_author",
        "ci_commit_tag_message",
    ],
    files=("yaml",),
)
def variable_read_twice(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """`sh -c "echo $CI_MERGE_REQUEST_TITLE"`: a second shell reads what the first one has put in."""
    seen: set[int] = set()
    for node in document.root.walk():
        if node.kind == "scalar" and re.search(r"script(?:\.\d+)*$", node.path):
            for found in found_in(node, _SECOND_SHELL):
                start, end = found.place(1)
                if start not in seen:
                    seen.add(start)
                    named = found.match[1].decode()
                    message = f"Command injection: a second shell runs the text of `{named}`. Whoever writes it can run commands here"
                    yield Diagnostic(ByteRange(document.source, start, end), message, priority="P1")


@check(
    "PRD907",
    on=[settings("CI_DEBUG_TRACE", "CI_DEBUG_SERVICES", "ACTIONS_STEP_DEBUG")],
    required_literals=["ci_debug_trace", "ci_debug_services"],
    files=("yaml",),
)
def everything_traced(setting: Setting, context: CheckContext) -> Iterator[Diagnostic]:
    """`CI_DEBUG_TRACE: "true"` prints every variable of the job, secrets included."""
    if setting.origin == "ci" and (setting.value or "").lower() in ("true", "1"):
        yield Diagnostic(setting, f"`{setting.name}` prints every variable of the job to the log, secrets included", priority="P1")
