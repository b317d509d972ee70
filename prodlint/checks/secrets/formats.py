"""The vendors' token formats, one row each, and what can be told from a token alone.

A shape is literal text with character classes in between: "ghp_{A:36}" is `ghp_` and 36 letters or digits. From it
follow the anchor (the longest literal), the regular expression that is tried at that anchor only, and the synthetic
token that examples and tests are made with. A new format is one row here and one line in its test.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from prodlint.checks.secrets.values import DOCUMENTED_SAMPLES

CLASSES = {
    "A": "A-Za-z0-9",
    "U": r"A-Za-z0-9_\-",
    "w": "A-Za-z0-9_",
    "L": "A-Za-z",
    "C": "A-Z0-9",
    "l": "a-z0-9",
    "h": "0-9a-f",
    "H": "0-9A-F",
    "x": "0-9A-Fa-f",
    "d": "0-9",
    "3": "A-Z2-7",
    "6": "A-Za-z0-9+/",
    "Z": r"A-Za-z0-9_~.\-",
    "T": r"A-Za-z0-9._\-",
    "k": "02-9AC-HJ-NP-Z",
    "D": r"0-9\-",
}
_SLOT = re.compile(r"\{(\w):(\d+)(?:-(\d+))?\}")

Kind = Literal["secret", "low", "test", "publishable"]


@dataclass(frozen=True, slots=True)
class Format:
    """One vendor format.

    name: what `sample_token` knows it by. title: what the message calls it. opens: what its finder can do.
    source: where the shape comes from ("vendor" documentation, "observed" in published samples, "rulesets" of other scanners).
    kind: "secret"; "low" for a value that is meant to be seen by some but not to be in a repository; "test" and
    "publishable" for those that are recognised only so that no other rule takes them for a secret.
    after: words one of which must name the value (`datadog_api_key = `), for shapes too weak to stand alone.
    valid: the checksum, where the format has one.
    """

    name: str
    title: str
    shape: str
    opens: str
    source: str
    kind: Kind = "secret"
    after: tuple[str, ...] = ()
    valid: Callable[[bytes], bool] | None = None
    glued: bool = False


# ---------------------------------------------------------------- checksums

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62_checksum(body: bytes) -> str:
    """CRC-32 of the random part in base 62, six characters: the last six of a GitHub or npm token."""
    number, digits = zlib.crc32(body), ""
    while number:
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    return digits.rjust(6, "0")


def _ends_in_base62_checksum(token: bytes) -> bool:
    body = token.split(b"_", 1)[1]
    return base62_checksum(body[:-6]).encode() == body[-6:]


def _is_json_web_token(token: bytes) -> bool:
    return "alg" in jwt_part(token, 0)


def jwt_part(token: bytes, index: int) -> dict[str, object]:
    """The decoded header (0) or payload (1) of a JSON Web Token, empty where it is none."""
    import base64
    import json

    try:
        # prodlint: ignore[PRD422] -- nobody is let in by it: the claims tell what kind of secret was found
        part = token.split(b".")[index]
        found = json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}


# ---------------------------------------------------------------- the table

_GITHUB = "repositories and organisations as its owner"
_SPEND = "the account's models and its bill"


def _row(
    name: str,
    title: str,
    shape: str,
    opens: str,
    source: str = "rulesets",
    kind: Kind = "secret",
    after: tuple[str, ...] = (),
    valid: Callable[[bytes], bool] | None = None,
    glued: bool = False,
) -> Format:
    return Format(name, title, shape, opens, source, kind, after, valid, glued)


FORMATS: tuple[Format, ...] = (
    # Code hosting and registries
    _row("github", "GitHub personal access token", "ghp_{A:36}", _GITHUB, "observed", valid=_ends_in_base62_checksum),
    _row("github-oauth", "GitHub OAuth token", "gho_{A:36}", _GITHUB, "observed", valid=_ends_in_base62_checksum),
    _row("github-user", "GitHub App user token", "ghu_{A:36}", _GITHUB, "observed", valid=_ends_in_base62_checksum),
    _row("github-refresh", "GitHub refresh token", "ghr_{A:36}", _GITHUB, "observed", valid=_ends_in_base62_checksum),
    _row("github-refresh-long", "GitHub refresh token", "ghr_{A:76}", _GITHUB),
    _row("github-app", "GitHub App installation token", "ghs_{A:36}", _GITHUB, "observed", valid=_ends_in_base62_checksum),
    _row("github-app-jwt", "GitHub App installation token", "ghs_{d:1-12}_eyJ{T:100-900}", _GITHUB, "vendor"),
    _row("github-fine-grained", "GitHub fine-grained token", "github_pat_{A:22}_{A:59}", _GITHUB),
    _row("gitlab", "GitLab personal access token", "glpat-{U:20}", "projects as its owner"),
    _row("gitlab-routable", "GitLab personal access token", "glpat-{U:27-300}.{l:2}{l:7}", "projects as its owner", "vendor"),
    _row("gitlab-deploy", "GitLab deploy token", "gldt-{U:20}", "a project's code and registry"),
    _row("gitlab-runner", "GitLab runner token", "glrt-{U:20}", "jobs and their secrets"),
    _row("gitlab-runner-routable", "GitLab runner token", "glrt-t{d:1}_{U:27-300}.{l:2}{l:7}", "jobs and their secrets", "vendor"),
    _row("gitlab-runner-registration", "GitLab runner registration token", "GR1348941{U:20}", "jobs and their secrets"),
    _row("gitlab-feed", "GitLab feed token", "glft-{U:20}", "private activity"),
    _row("gitlab-scim", "GitLab SCIM token", "glsoat-{U:20}", "the group's members"),
    _row("gitlab-feature-flag", "GitLab feature flag token", "glffct-{U:20}", "feature flags"),
    _row("gitlab-trigger", "GitLab trigger token", "glptt-{h:40}", "pipelines and their secrets"),
    _row("gitlab-mail", "GitLab incoming mail token", "glimt-{U:25}", "issues by mail"),
    _row("gitlab-agent", "GitLab agent token", "glagent-{U:50-120}", "the cluster behind the agent"),
    _row("gitlab-oauth", "GitLab OAuth secret", "gloas-{x:64}", "sign-in with GitLab"),
    _row("gitlab-job", "GitLab job token", "glcbt-{l:1-5}_{U:20}", "a project while the job runs"),
    _row("npm", "npm access token", "npm_{A:36}", "publishing packages", "observed", valid=_ends_in_base62_checksum),
    _row("pypi", "PyPI upload token", "pypi-AgEIcHlwaS5vcmc{U:50-1000}", "publishing packages"),
    _row("testpypi", "TestPyPI upload token", "pypi-AgENdGVzdC5weXBpLm9yZw{U:50-1000}", "publishing to the test index", kind="low"),
    _row("rubygems", "RubyGems API key", "rubygems_{h:48}", "publishing packages"),
    _row("dockerhub", "Docker Hub access token", "dckr_pat_{U:27}", "pushing images"),
    _row("dockerhub-organisation", "Docker Hub organisation token", "dckr_oat_{U:32}", "pushing images"),
    _row("artifactory", "Artifactory API key", "AKCp{A:69}", "packages and images"),
    _row("buildkite", "Buildkite API token", "bkua_{l:40}", "pipelines and their secrets"),
    _row("sonar", "Sonar token", "squ_{h:40}", "source code and its findings"),
    _row("sonar-project", "Sonar token", "sqp_{h:40}", "source code and its findings"),
    _row("sonar-analysis", "Sonar token", "sqa_{h:40}", "source code and its findings"),
    _row("bitbucket", "Atlassian app password", "ATBB{A:24}{x:8}", "repositories as its owner"),
    _row("atlassian", "Atlassian API token", "ATATT3xFfGF0{U:100-250}={H:8}", "Jira, Confluence and Bitbucket as its owner", "observed"),
    _row("atlassian-repository", "Atlassian access token", "ATCTT3xFfG{U:100-250}={H:8}", "Bitbucket repositories", "observed"),
    # Models
    _row("openai", "OpenAI API key", "sk-{A:20}T3BlbkFJ{A:20}", _SPEND),
    _row("openai-project", "OpenAI project key", "sk-proj-{U:20-120}T3BlbkFJ{U:20-120}", _SPEND),
    _row("openai-service", "OpenAI service account key", "sk-svcacct-{U:20-120}T3BlbkFJ{U:20-120}", _SPEND),
    _row("openai-admin", "OpenAI admin key", "sk-admin-{U:20-120}T3BlbkFJ{U:20-120}", "the organisation's keys and users"),
    _row("anthropic", "Anthropic API key", "sk-ant-api03-{U:93}AA", _SPEND),
    _row("anthropic-admin", "Anthropic admin key", "sk-ant-admin01-{U:93}AA", "the organisation's keys and users"),
    _row("anthropic-oauth", "Anthropic OAuth token", "sk-ant-oat01-{U:80-110}", _SPEND),
    _row("openrouter", "OpenRouter API key", "sk-or-v1-{h:64}", _SPEND),
    _row("huggingface", "Hugging Face token", "hf_{L:34}", "models and data sets as its owner"),
    _row("huggingface-organisation", "Hugging Face organisation token", "api_org_{L:34}", "models and data sets"),
    _row("groq", "Groq API key", "gsk_{A:52}", _SPEND),
    _row("xai", "xAI API key", "xai-{w:80}", _SPEND),
    _row("perplexity", "Perplexity API key", "pplx-{A:48}", _SPEND),
    _row("replicate", "Replicate API token", "r8_{U:37}", _SPEND),
    _row("nvidia", "NVIDIA API key", "nvapi-{U:64}", _SPEND),
    _row("langsmith", "LangSmith personal token", "lsv2_pt_{h:32}_{h:10}", "traces with prompts and answers"),
    _row("langsmith-service", "LangSmith service key", "lsv2_sk_{h:32}_{h:10}", "traces with prompts and answers"),
    _row("tavily", "Tavily API key", "tvly-{U:32-60}", _SPEND),
    _row("deepseek", "DeepSeek API key", "sk-{h:32}", _SPEND, after=("deepseek",)),
    # Clouds
    _row("aws", "AWS access key id", "AKIA{3:16}", "the AWS account, with its secret key", "vendor"),
    _row("aws-session", "AWS temporary access key id", "ASIA{3:16}", "the AWS account, with its secret key", "vendor"),
    _row("aws-bearer", "AWS bearer token id", "ABIA{3:16}", "the AWS account", "vendor"),
    _row("aws-context", "AWS context key id", "ACCA{3:16}", "the AWS account", "vendor"),
    _row(
        "aws-secret",
        "AWS secret access key",
        "{6:40}",
        "the AWS account, with its key id",
        after=("secret_access_key", "secretaccesskey", "aws_secret", "aws-secret"),
    ),
    _row("aws-bedrock", "AWS Bedrock API key", "ABSK{6:109-269}", _SPEND),
    _row("azure-storage", "Azure storage account key", "AccountKey={6:86}==", "the storage account", "vendor"),
    _row("azure-client-secret", "Azure client secret", "{A:3}{d:1}Q~{Z:31-34}", "what the app registration may do"),
    _row(
        "azure-devops",
        "Azure DevOps token",
        "{l:52}",
        "repositories and pipelines",
        after=("azure_devops", "azuredevops", "azdo", "ado_pat"),
    ),
    _row("azure-devops-long", "Azure DevOps token", "{A:76}AZDO{A:4}", "repositories and pipelines"),
    _row("google", "Google API key", "AIza{U:35}", "the project's quota and its bill"),
    _row("google-oauth-secret", "Google OAuth client secret", "GOCSPX-{U:28}", "sign-in with Google"),
    _row("google-oauth", "Google OAuth access token", "ya29.{U:20-300}", "Google APIs until it expires"),
    _row("digitalocean", "DigitalOcean token", "dop_v1_{h:64}", "the account's machines"),
    _row("digitalocean-oauth", "DigitalOcean OAuth token", "doo_v1_{h:64}", "the account's machines"),
    _row("digitalocean-refresh", "DigitalOcean refresh token", "dor_v1_{h:64}", "the account's machines"),
    _row("databricks", "Databricks token", "dapi{h:32}", "the workspace as its owner"),
    _row("heroku", "Heroku API key", "HRKU-AA{U:58}", "apps and their settings"),
    _row("fly", "Fly.io access token", "fo1_{w:43}", "apps and machines"),
    _row("fly-macaroon", "Fly.io access token", "fm2_{6:100-600}", "apps and machines"),
    _row("vercel", "Vercel token", "{A:24}", "deployments and their settings", after=("vercel_token", "vercel_api_token", "vercel-token")),
    _row("cloudflare-origin", "Cloudflare origin CA key", "v1.0-{h:24}-{h:146}", "certificates of the zone"),
    _row("alibaba", "Alibaba Cloud access key id", "LTAI{A:20}", "the account, with its secret key"),
    _row("pulumi", "Pulumi access token", "pul-{h:40}", "stacks and their secrets"),
    _row("terraform", "HCP Terraform token", "{A:14}.atlasv1.{U:60-70}", "workspaces and their state"),
    _row("vault", "Vault service token", "hvs.{U:90-120}", "the secrets its policy names"),
    _row("vault-batch", "Vault batch token", "hvb.{U:138-300}", "the secrets its policy names"),
    _row("doppler-personal", "Doppler personal token", "dp.pt.{A:40-44}", "all secrets of its owner"),
    _row("doppler-service", "Doppler service token", "dp.st.{A:40-44}", "a configuration's secrets"),
    _row("doppler-service-named", "Doppler service token", "dp.st.{l:2-35}.{A:40-44}", "a configuration's secrets"),
    _row("doppler-cli", "Doppler CLI token", "dp.ct.{A:40-44}", "all secrets of its owner"),
    _row("doppler-account", "Doppler service account token", "dp.sa.{A:40-44}", "the workplace's secrets"),
    _row("doppler-scim", "Doppler SCIM token", "dp.scim.{A:40-44}", "the workplace's members"),
    _row("doppler-audit", "Doppler audit token", "dp.audit.{A:40-44}", "the workplace's log"),
    _row("onepassword", "1Password service account token", "ops_eyJ{6:250-1200}", "the vaults it was given"),
    _row("tailscale", "Tailscale key", "tskey-auth-{A:8-24}-{A:20-60}", "the private network"),
    _row("tailscale-api", "Tailscale API key", "tskey-api-{A:8-24}-{A:20-60}", "the private network's settings"),
    # Data
    _row("supabase", "Supabase secret key", "sb_secret_{U:20-60}", "all rows, row-level security included", "vendor"),
    _row("supabase-management", "Supabase management token", "sbp_{l:40}", "projects and their data"),
    _row("supabase-publishable", "Supabase publishable key", "sb_publishable_{U:20-60}", "", "vendor", "publishable"),
    _row("planetscale", "PlanetScale token", "pscale_tkn_{U:32-64}", "databases"),
    _row("planetscale-oauth", "PlanetScale OAuth token", "pscale_oauth_{U:32-64}", "databases"),
    _row("planetscale-password", "PlanetScale password", "pscale_pw_{U:32-64}", "a database"),
    _row("neon", "Neon API key", "napi_{l:64}", "databases"),
    _row("mongodb-atlas", "MongoDB Atlas service account secret", "mdb_sa_sk_{U:40}", "clusters"),
    _row("airtable", "Airtable token", "pat{A:14}.{h:64}", "bases as its owner", after=("airtable",)),
    _row("notion", "Notion token", "ntn_{d:11}{A:35}", "pages shared with the integration"),
    _row("notion-old", "Notion token", "secret_{A:43}", "pages shared with the integration"),
    _row("linear", "Linear API key", "lin_api_{A:40}", "issues as its owner"),
    _row("figma", "Figma token", "figd_{U:40}", "files as its owner"),
    _row("postman", "Postman API key", "PMAK-{h:24}-{h:34}", "collections and their variables"),
    _row("prefect", "Prefect API key", "pnu_{A:36}", "flows and their blocks"),
    _row("prefect-bot", "Prefect service account key", "pnb_{A:36}", "flows and their blocks"),
    _row("hubspot", "HubSpot access token", "pat-na1-{x:8}-{x:4}-{x:4}-{x:4}-{x:12}", "customer records"),
    _row("hubspot-europe", "HubSpot access token", "pat-eu1-{x:8}-{x:4}-{x:4}-{x:4}-{x:12}", "customer records"),
    # Watching
    _row("sentry-organisation", "Sentry organisation token", "sntrys_eyJpYXQiO{6:40-400}_{6:43}", "releases and source maps"),
    _row("sentry-user", "Sentry user token", "sntryu_{h:64}", "issues as its owner"),
    _row("sentry-dsn", "Sentry DSN", "https://{h:32}@o{d:1-20}.ingest", "sending events into the project", "observed", "low"),
    _row("grafana", "Grafana service account token", "glsa_{A:32}_{x:8}", "dashboards and data sources"),
    _row("grafana-cloud", "Grafana Cloud token", "glc_{6:32-400}", "metrics, logs and traces"),
    _row("newrelic", "New Relic user key", "NRAK-{C:27}", "the account's data"),
    _row("newrelic-licence", "New Relic licence key", "{h:32}FFFFNRAL", "sending data into the account"),
    _row("newrelic-licence-eu", "New Relic licence key", "eu01xx{h:26}FFFFNRAL", "sending data into the account"),
    _row(
        "datadog",
        "Datadog API key",
        "{h:32}",
        "sending data into the account",
        after=("datadog_api", "datadog-api", "datadogapi", "dd_api_key", "dd-api-key"),
    ),
    _row(
        "datadog-app",
        "Datadog application key",
        "{h:40}",
        "the account's data",
        after=("datadog_app", "datadog-app", "datadogapp", "dd_app_key", "dd-application-key"),
    ),
    # Messages
    _row("slack", "Slack bot token", "xoxb-{d:10-13}-{d:10-13}-{A:18-34}", "channels the bot is in"),
    _row("slack-bot-old", "Slack bot token", "xoxb-{d:8-14}-{A:18-26}", "channels the bot is in"),
    _row("slack-user", "Slack user token", "xoxp-{d:10-13}-{d:10-13}-{d:10-13}-{A:28-34}", "messages as its owner"),
    _row("slack-workspace", "Slack workspace token", "xoxa-{d:1-12}-{U:20-100}", "the workspace"),
    _row("slack-legacy", "Slack legacy token", "xoxs-{d:1-12}-{U:20-100}", "the workspace"),
    _row("slack-refresh", "Slack refresh token", "xoxr-{d:1-12}-{U:20-100}", "the workspace"),
    _row("slack-app", "Slack app-level token", "xapp-{d:1}-{C:8-14}-{d:10-14}-{l:64}", "the app's sockets"),
    _row("slack-config", "Slack configuration token", "xoxe.xoxp-{d:1}-{C:146-166}", "the workspace's apps"),
    _row("slack-config-refresh", "Slack configuration refresh token", "xoxe-{d:1}-{C:146}", "the workspace's apps"),
    _row("slack-webhook", "Slack webhook", "hooks.slack.com/services/T{C:8-12}/B{C:8-12}/{A:23-25}", "posting to the channel", glued=True),
    _row(
        "slack-workflow",
        "Slack workflow webhook",
        "hooks.slack.com/workflows/T{C:8-12}/A{C:8-12}/{d:17-19}/{A:23-25}",
        "posting",
        glued=True,
    ),
    _row(
        "slack-trigger", "Slack trigger webhook", "hooks.slack.com/triggers/T{C:8-12}/{d:9-14}/{h:32}", "starting the workflow", glued=True
    ),
    _row(
        "discord",
        "Discord bot token",
        "{A:24-28}.{U:6}.{U:27-38}",
        "the bot's servers",
        after=("discord", "bot_token", "bot.run", "client.run"),
    ),
    _row("discord-webhook", "Discord webhook", "discord.com/api/webhooks/{d:17-20}/{U:60-72}", "posting to the channel", glued=True),
    _row("discord-webhook-old", "Discord webhook", "discordapp.com/api/webhooks/{d:17-20}/{U:60-72}", "posting to the channel", glued=True),
    _row(
        "teams",
        "Microsoft Teams webhook",
        ".webhook.office.com/webhookb2/{x:8}-{x:4}-{x:4}-{x:4}-{x:12}@{x:8}-{x:4}-{x:4}-{x:4}-{x:12}/IncomingWebhook/{h:32}/{x:8}-{x:4}-{x:4}-{x:4}-{x:12}",
        "posting to the channel",
        glued=True,
    ),
    _row("telegram", "Telegram bot token", "{d:8-10}:AA{U:33}", "the bot's chats"),
    _row("telegram-url", "Telegram bot token", "/bot{d:8-10}:AA{U:33}", "the bot's chats", glued=True),
    _row("twilio", "Twilio API key", "SK{h:32}", "messages and calls", after=("twilio",)),
    _row(
        "twilio-auth",
        "Twilio auth token",
        "{h:32}",
        "messages and calls",
        after=("twilio_auth", "twilio_token", "twilioauth", "twilio-auth"),
    ),
    _row("sendgrid", "SendGrid API key", "SG.{U:22}.{U:43}", "mail in your name"),
    _row("mailgun", "Mailgun API key", "key-{h:32}", "mail in your name", after=("mailgun", "mg_api")),
    _row("mailgun-new", "Mailgun API key", "{h:32}-{h:8}-{h:8}", "mail in your name", after=("mailgun", "mg_api")),
    *(
        _row(f"mailchimp{suffix}", "Mailchimp API key", f"{{h:32}}-us{first}{rest}", "mail lists")
        for suffix, first, rest in (("", 1, "{d:0-1}"), ("-2", 2, "{d:0-1}"), *((f"-{n}", n, "") for n in range(3, 10)))
    ),
    _row("brevo", "Brevo API key", "xkeysib-{h:64}-{A:16}", "mail in your name"),
    # Money
    _row("stripe", "Stripe secret key", "sk_live_{A:10-247}", "payments and refunds"),
    _row("stripe-restricted", "Stripe restricted key", "rk_live_{A:10-247}", "what the key was given"),
    _row("stripe-organisation", "Stripe organisation key", "sk_org_live_{A:10-247}", "payments and refunds"),
    _row("stripe-webhook", "Stripe webhook secret", "whsec_{6:32-64}", "forging events", "observed"),
    _row("stripe-test", "Stripe test key", "sk_test_{A:10-247}", "", "vendor", "test"),
    _row("stripe-restricted-test", "Stripe restricted test key", "rk_test_{A:10-247}", "", "vendor", "test"),
    _row("stripe-publishable", "Stripe publishable key", "pk_live_{A:10-247}", "", "vendor", "publishable"),
    _row("stripe-publishable-test", "Stripe publishable test key", "pk_test_{A:10-247}", "", "vendor", "publishable"),
    _row("shopify", "Shopify access token", "shpat_{x:32}", "the shop's data"),
    _row("shopify-custom", "Shopify custom app token", "shpca_{x:32}", "the shop's data"),
    _row("shopify-private", "Shopify private app password", "shppa_{x:32}", "the shop's data"),
    _row("shopify-secret", "Shopify shared secret", "shpss_{x:32}", "forging webhooks"),
    _row("square", "Square access token", "sq0atp-{U:22}", "payments"),
    _row("square-oauth", "Square OAuth secret", "sq0csp-{U:43}", "sign-in with Square"),
    _row("square-production", "Square access token", "EAAA{U:60}", "payments"),
    _row("posthog", "PostHog project key", "phc_{A:43}", "", "observed", "publishable"),
    _row("posthog-personal", "PostHog personal key", "phx_{A:43-51}", "the project's data"),
    _row("mapbox", "Mapbox public token", "pk.eyJ{U:50-120}.{U:22}", "", "vendor", "publishable"),
    _row("mapbox-secret", "Mapbox secret token", "sk.eyJ{U:50-120}.{U:22}", "maps and their bill"),
    # Keys and tokens of no vendor
    _row("age", "age secret key", "AGE-SECRET-KEY-1{k:58}", "what was encrypted to it", "vendor"),
    _row(
        "jwt",
        "JSON Web Token",
        "eyJ{U:12-2000}.eyJ{U:12-4000}.{U:20-1400}",
        "what its claims say, until it expires",
        "vendor",
        valid=_is_json_web_token,
    ),
)


# ---------------------------------------------------------------- what follows from a row


@dataclass(frozen=True, slots=True)
class Pattern:
    """How a format is looked for: from `anchor` (lower case) go back at most `back` characters, to `first` where the
    token begins with a literal, then match there."""

    format: Format
    anchor: bytes
    literal: bytes
    first: bytes
    back: int
    source: bytes

    @property
    def expression(self) -> re.Pattern[bytes]:
        """Compiled when an anchor was found: compiling all of them costs more than a start of the program may."""
        return _compiled(self.source)


@cache
def _compiled(source: bytes) -> re.Pattern[bytes]:
    return re.compile(source)


def _parts(shape: str) -> list[str | tuple[str, int, int]]:
    parts: list[str | tuple[str, int, int]] = []
    position = 0
    for slot in _SLOT.finditer(shape):
        if slot.start() > position:
            parts.append(shape[position : slot.start()])
        parts.append((slot[1], int(slot[2]), int(slot[3] or slot[2])))
        position = slot.end()
    if position < len(shape):
        parts.append(shape[position:])
    return parts


def _fragment(parts: Sequence[str | tuple[str, int, int]]) -> str:
    return "".join(re.escape(p) if isinstance(p, str) else f"[{CLASSES[p[0]]}]{{{p[1]},{p[2]}}}" for p in parts)


def _tail(part: str | tuple[str, int, int]) -> str:
    """What may not follow: another character of the last part, or of a longer word."""
    return "(?![A-Za-z0-9_])" if isinstance(part, str) else f"(?![A-Za-z0-9_{CLASSES[part[0]]}])"


# A name that ends with one of a format's `after` words, then what binds a value to it; all bounded.
_BINDING = r"[\w.\-]{0,40}[\"'\])]{0,3}(?:[ \t]{0,8}(?:=>|:=|==|[:=,(])|[ \t])[ \t]{0,8}[brBR]{0,2}[\"'(]{0,3}(?:Bot )?"


def _patterns(row: Format) -> Iterator[Pattern]:
    parts = _parts(row.shape)
    if row.after:
        source = (_BINDING + "(" + _fragment(parts) + ")" + _tail(parts[-1])).encode()
        for word in row.after:
            yield Pattern(row, word.encode(), b"", b"", 0, source)
        return
    literals = [p for p in parts if isinstance(p, str)]
    # The marker inside an OpenAI key is rarer than its prefix, and `sk-` alone stands in "task-".
    best = max(literals, key=lambda p: (p == "T3BlbkFJ", p is parts[0] and len(p) > 2, len(p)))
    index = parts.index(best)
    back = sum(len(p) if isinstance(p, str) else p[2] for p in parts[:index])
    source = ("(" + _fragment(parts) + ")" + _tail(parts[-1])).encode()
    first = parts[0].encode() if isinstance(parts[0], str) else b""
    yield Pattern(row, best.lower().encode(), best.encode(), first, back, source)


@cache
def patterns() -> dict[bytes, tuple[Pattern, ...]]:
    """The patterns by anchor, in the order of the table."""
    by_anchor: dict[bytes, list[Pattern]] = {}
    for row in FORMATS:
        for pattern in _patterns(row):
            by_anchor.setdefault(pattern.anchor, []).append(pattern)
    return {anchor: tuple(found) for anchor, found in by_anchor.items()}


def required_literals() -> tuple[str, ...]:
    """The literals without which no format can stand in a file."""
    return tuple(dict.fromkeys(_anchor_of(row) for row in FORMATS if not row.after)) + tuple(
        dict.fromkeys(word for row in FORMATS for word in row.after)
    )


def _anchor_of(row: Format) -> str:
    return next(_patterns(row)).anchor.decode()


_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


def _stands_alone(data: bytes, start: int) -> bool:
    """Whether the byte before is no part of a word; the `n` of an escaped line end is none."""
    if start == 0 or data[start - 1] not in _WORD:
        return True
    return start > 1 and data[start - 2] == 0x5C and data[start - 1] in b"nrt"


def match_at(data: bytes, anchor: bytes, offset: int) -> tuple[Format, int, int] | None:
    """The format whose anchor was found at `offset`, with the token's start and end."""
    for pattern in patterns().get(anchor, ()):
        literal = pattern.literal
        if not literal:
            found = pattern.expression.match(data, offset)
            if found is not None and not is_dummy(found[1]):
                return pattern.format, found.start(1), found.end(1)
            continue
        if data[offset : offset + len(literal)] != literal:
            continue
        if pattern.back == 0:
            alone = pattern.format.glued or _stands_alone(data, offset)
            found = pattern.expression.match(data, offset) if alone else None
        else:
            found = None
            for start in _starts(data, offset, pattern):
                found = pattern.expression.match(data, start)
                if found is not None and found.end(1) > offset:
                    break
                found = None
        if found is not None and not is_dummy(found[1]):
            return pattern.format, found.start(1), found.end(1)
    return None


# Where a word begins: after no part of a word, or after the letter of an escape sequence.
_WORD_START = re.compile(rb"(?:(?<![A-Za-z0-9_])|(?<=\\[nrt]))[A-Za-z0-9_]")


def _starts(data: bytes, offset: int, pattern: Pattern) -> Iterator[int]:
    """Places before `offset` where a token may begin; the farthest first."""
    low = max(0, offset - pattern.back)
    if not pattern.first:
        for found in _WORD_START.finditer(data, low, offset):
            yield found.start()
        return
    start = data.find(pattern.first, low, offset)
    while start != -1:
        if _stands_alone(data, start):
            yield start
        start = data.find(pattern.first, start + 1, offset)


_SAMPLES = tuple(sample.encode() for sample in DOCUMENTED_SAMPLES)
_FAKE_WORDS = (
    b"example",
    b"xxxx",
    b"0000000",
    b"1234567",
    b"abcdefg",
    b"your",
    b"fake",
    b"dummy",
    b"sample",
    b"redacted",
    b"placeholder",
    b"testtest",
)


def is_dummy(token: bytes) -> bool:
    """Whether a token of the right shape is made up: a documented sample, one repeated character, a running sequence."""
    head = token[:160]
    if any(sample in head for sample in _SAMPLES):
        return True
    lowered = head.lower()
    if any(word in lowered for word in _FAKE_WORDS):
        return True
    body = lowered[len(lowered) // 3 :]
    return len(set(body)) < min(7, max(3, len(body) // 3)) or _longest_run(body) >= 6


def _longest_run(text: bytes) -> int:
    """Length of the longest stretch of one character, or of neighbours in the alphabet."""
    longest = 1
    same = up = 1
    for before, here in zip(text, text[1:], strict=False):
        same = same + 1 if before == here else 1
        up = up + 1 if abs(here - before) == 1 else 1
        longest = max(longest, same, up)
    return longest


def recognise(value: str) -> Format | None:
    """The format of a value that is a whole token, also a publishable or a test one."""
    data = value.encode()
    if len(data) < 12 or len(data) > 8000:
        return None
    lowered = data.lower()
    for anchor, found in patterns().items():
        for pattern in found:
            if pattern.literal and anchor in lowered and pattern.literal in data:
                match = pattern.expression.fullmatch(data)
                if match is not None:
                    return pattern.format
    return None


# ---------------------------------------------------------------- synthetic tokens


@cache
def _letters(name: str) -> str:
    return "".join(chr(code) for code in range(33, 127) if re.fullmatch(f"[{CLASSES[name]}]", chr(code)))


@cache
def sample_token(name: str, seed: int = 0) -> str:
    """A synthetic token of a format: right shape, right checksum, the same on every run, and nobody's."""
    if name == "jwt":
        return _sample_jwt(seed)
    if name in ("pem", "pem-line"):
        return _sample_pem(seed, "\n" if name == "pem" else "\\n")
    if name in _OF_NO_VENDOR:
        return _filled(_OF_NO_VENDOR[name], f"prodlint {name} {seed}")
    row = next(f for f in FORMATS if f.name == name)
    attempt = 0
    while True:
        token = _filled(row.shape, f"prodlint {name} {seed} {attempt}")
        if row.valid is not None:
            prefix, body = token.split("_", 1)
            token = f"{prefix}_{body[:-6]}{base62_checksum(body[:-6].encode())}"
        edges = token[0] + token[-1]
        if not is_dummy(token.encode()) and ("-" not in edges and "_" not in edges):
            return token
        attempt += 1


# Values that no vendor's format describes, for the examples of the other rules.
_OF_NO_VENDOR = {
    "random": "{A:28}",
    "hex": "{h:40}",
    "base64": "{6:43}=",
    "uuid": "{h:8}-{h:4}-4{h:3}-a{h:3}-{h:12}",
    "digits": "{d:10}",
    "password": "{L:3}{d:2}!{L:2}{d:1}#{l:4}",
    "passphrase": "otter-lantern-{d:2}-meadow-{d:1}-velvet",
    "fernet": "{A:43}=",
    "jwk": "{A:43}",
}


def _filled(shape: str, seed: str) -> str:
    import random

    dice = random.Random(seed)  # noqa: S311 - made to be the same on every run
    return "".join(
        part if isinstance(part, str) else "".join(dice.choice(_letters(part[0])) for _ in range(min(part[2], max(part[1], 40))))
        for part in _parts(shape)
    )


def _sample_pem(seed: int, line_end: str) -> str:
    body = [_filled("{6:64}", f"prodlint pem {seed} {number}") for number in range(12)]
    return line_end.join(("-----BEGIN " + "PRIVATE KEY-----", *body, "-----END " + "PRIVATE KEY-----", ""))


def _sample_jwt(seed: int) -> str:
    import base64
    import json
    import random

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    dice = random.Random(f"prodlint jwt {seed}")  # noqa: S311 - made to be the same on every run
    header = json.dumps({"alg": "HS256", "typ": "JWT"}).encode()
    payload = json.dumps({"sub": f"service-{dice.randrange(10**6)}", "scope": "orders:write"}).encode()
    return f"{part(header)}.{part(payload)}.{part(dice.randbytes(32))}"
