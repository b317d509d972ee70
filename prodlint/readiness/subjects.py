"""What a line speaks of beyond its item: "Chat endpoint integration tests" is about chat, "Redis health check" about Redis.

That there are tests does not show that chat is tested. A yes or a no holds for a line only when what it speaks of is seen where the
item is shown or broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from prodlint.readiness.items import Item
from prodlint.readiness.phrases import words_of

# Words that checklists put around whatever they ask for: alone they narrow nothing.
TRADE = frozenset(
    words_of(
        "production prod ready readiness environment environments live deployment deploy deployed deploying release released launch service services microservice application applications app apps system systems platform"
        " code codebase base source project repository repo component components software product stack"
        " config configs configuration configured configure configurable setting settings set sets setup enabled enable enabling disabled disable off turned turn implemented implement implementation"
        " available added adds adding working works support supported supports proper properly complete completed comprehensive full fully entire whole removed remove removing replaced replace replacing fixed fixing"
        " updated used uses using make makes made ensure ensures ensured ensuring verify verified verifying verification validate validated check checks checked checking"
        " place exist exists present created create creating defined define defines documented document provided provide provides require required requires requiring must should shall can may need needs needed want"
        " automated automatic automatically correct correctly secure secured securely strong appropriate appropriately sensible reasonable suitable explicit explicitly important necessary unnecessary common standard standards"
        " critical public main new least one multiple across level based per where when if applicable optional recommended target default only you your we our it its they them his her"
        " user users client clients request requests response responses endpoint endpoints api apis route routes http web server servers backend module modules package packages file files python"
        " data value values variable variables name names type types specific statement statements clause clauses left remaining comment comments found zero nothing anywhere everywhere"
        " rule step phase part item items section list lists point points basic generic general initial integrated integration integrate wired wire"
        " prevent prevented prevents prevention protect protected protects protection handle handled handles handling enforce enforced enforces enforcement limit limited limits restrict restricted"
        " test tests tested testing run runs running ran process processes time times number numbers size sizes large small good best practice practices policy policies strategy plan plans procedure procedures"
        " error errors failure failures fail fails failed issue issues problem problems at least more than less over under during before after between within against about because so also both either neither"
        " avoid avoids avoided never always instead rather than such like example e.g i.e etc do does done don dont doing not no nor without free none mode real long way proper appropriately"
        " external internal outbound inbound upstream downstream sensitive easily possible regularly regular safe safely unsafe local locally same different other others another"
        " expanded hardened extended improved introduced refactored migrated written everything come comes goes go going allowed allow allows any some most many several well always now still again new old actual really real"
        " containers container docker image images build builds built ci cd pipeline pipelines team teams get gets put keep kept avoid have has having had be been being is are was were".replace(
            "/", " "
        )
    )
)

# Products by the names that they have in code, configuration and requirements.
_PRODUCTS: Mapping[str, tuple[str, ...]] = {
    "redis": ("redis", "valkey"), "postgres": ("postgres", "psycopg", "asyncpg"), "postgresql": ("postgres", "psycopg", "asyncpg"), "mysql": ("mysql", "mariadb"),
    "mariadb": ("mariadb", "mysql"), "sqlite": ("sqlite",), "mongodb": ("mongo",), "mongo": ("mongo",), "kafka": ("kafka",), "rabbitmq": ("rabbitmq", "amqp", "pika"),
    "celery": ("celery",), "sentry": ("sentry",), "prometheus": ("prometheus",), "grafana": ("grafana",), "datadog": ("datadog", "ddtrace"), "opentelemetry": ("opentelemetry", "otel"),
    "jaeger": ("jaeger",), "structlog": ("structlog",), "loguru": ("loguru",), "slowapi": ("slowapi",), "bcrypt": ("bcrypt",), "argon2": ("argon2",), "argon2id": ("argon2",), "scrypt": ("scrypt",),
    "pydantic": ("pydantic",), "sqlalchemy": ("sqlalchemy",), "sqlmodel": ("sqlmodel",), "alembic": ("alembic",), "gunicorn": ("gunicorn",), "uvicorn": ("uvicorn",), "nginx": ("nginx",),
    "helm": ("chart.yaml", "helm"), "terraform": ("terraform",), "trivy": ("trivy",), "grype": ("grype",), "snyk": ("snyk",), "bandit": ("bandit",), "semgrep": ("semgrep",), "gitleaks": ("gitleaks",),
    "cyclonedx": ("cyclonedx",), "spdx": ("spdx",), "syft": ("syft",), "k6": ("k6",), "locust": ("locust",), "pact": ("pact",), "schemathesis": ("schemathesis",), "dependabot": ("dependabot",),
    "renovate": ("renovate",), "vault": ("vault", "hvac"), "pagerduty": ("pagerduty",), "opsgenie": ("opsgenie",), "tenacity": ("tenacity",), "next.js": ("next.js", '"next"', "next build", "nextjs"),
    "nextjs": ("next.js", '"next"', "next build", "nextjs"), "react": ("react",), "playwright": ("playwright",), "cypress": ("cypress",), "codecov": ("codecov",), "elasticsearch": ("elasticsearch",),
    "memcached": ("memcache",), "s3": ("s3", "boto3"), "supabase": ("supabase",), "neon": ("neon",), "openai": ("openai",), "blackbox": ("blackbox",), "alertmanager": ("alertmanager",),
    "cloudflare": ("cloudflare",), "sonarqube": ("sonar",), "codeql": ("codeql",), "oauth2": ("oauth",), "oauth": ("oauth",), "ldap": ("ldap",), "graphql": ("graphql", "strawberry", "ariadne", "graphene"),
    "grpc": ("grpc",), "websocket": ("websocket",), "websockets": ("websocket",), "mcp": ("mcp",), "llm": ("llm", "openai", "anthropic"), "gzip": ("gzip",), "brotli": ("brotli",), "hsts": ("hsts", "strict-transport"),
    "csp": ("csp", "content-security-policy"), "mypy": ("mypy",), "ruff": ("ruff",), "pytest": ("pytest",), "httpx": ("httpx",), "aiohttp": ("aiohttp",), "django": ("django",), "flask": ("flask",), "fastapi": ("fastapi",),
    "asyncpg": ("asyncpg",), "pgbouncer": ("pgbouncer",), "istio": ("istio",), "traefik": ("traefik",), "loki": ("loki",), "rollbar": ("rollbar",), "bugsnag": ("bugsnag",), "dramatiq": ("dramatiq",), "hypothesis": ("hypothesis",),
}  # fmt: skip
_PRODUCT = re.compile(r"(?<![\w.])(" + "|".join(sorted(map(re.escape, _PRODUCTS), key=len, reverse=True)) + r")(?![\w])", re.IGNORECASE)
# "k6 or Locust", "Trivy/Grype": one of them is enough.
_EITHER = re.compile(r"\s+or\s+|/|\s+equivalent\b|\be\.g\.|\bsuch as\b|\blike\b", re.IGNORECASE)
_PATHS = re.compile(r"(?:[\w.-]+/)+[\w-]+\.\w{1,8}\b|(?<!\w)/[\w/.{}-]+|\b[\w-]+\.(?:py|md|toml|ini|ya?ml|json|sh|cfg|txt)\b")


def own_words(item: Item) -> frozenset[str]:
    """The words that an item shares with whatever it is called: its title, its name, and its phrases of one or two words."""
    short = [phrase for phrase in item.says if len(words_of(phrase)) <= 2]
    return frozenset(words_of(" ".join((item.title, item.id.replace("-", " "), *short))))


def left_over(subject: str, item: Item, phrase: str = "") -> list[str]:
    """The words of what a line names that neither its item (and the phrase by which it is meant) nor the trade's common words account for."""
    known = ((own_words(item) | TRADE | frozenset(words_of(phrase))) - frozenset(words_of(" ".join(item.narrow)))) | _PRODUCT_WORDS
    words = words_of(_PATHS.sub(" ", subject))
    return [word for word in dict.fromkeys(words) if word not in known and not any(map(str.isdigit, word)) and len(word) > 1]


def products_in(text: str) -> tuple[list[str], bool]:
    """The products that a text names, and whether one of them is enough."""
    found = list(dict.fromkeys(match[1].lower() for match in _PRODUCT.finditer(_PATHS.sub(" ", text))))
    return found, len(found) > 1 and _EITHER.search(text) is not None


def names_of(product: str) -> tuple[str, ...]:
    """How a product is called in files, in lower case."""
    return _PRODUCTS[product]


def missing_from(near: str, words: Iterable[str]) -> str:
    """The first of the words that a text does not hold in any form, or ""."""
    return next((word for word in words if word not in near), "")


_PRODUCT_WORDS = frozenset(word for name in _PRODUCTS for word in words_of(name))


def said_of(parts: Sequence[str]) -> str:
    """What was said and seen, as one text to look words up in."""
    return "\n".join(parts).lower().replace("_", " ").replace("-", " ")
