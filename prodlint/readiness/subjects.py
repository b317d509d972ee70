"""What a line speaks of beyond its item: "Chat endpoint integration tests" is about chat, "Redis health check" about Redis.

That there are tests does not show that chat is tested. A yes or a no holds for a line only when what it speaks of is seen where the
item is shown or broken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

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
        " commit commits committed avoid avoids avoided never always instead rather than such like example e.g i.e etc do does done don dont doing not no nor without free none mode real long way proper appropriately"
        " external internal outbound inbound upstream downstream sensitive easily possible regularly regular safe safely unsafe local locally same different other others another"
        " expanded hardened extended improved introduced refactored migrated written everything come comes goes go going allowed allow allows any some most many several well always now still again new old actual really real"
        " containers container docker image images build builds built ci cd pipeline pipelines team teams get gets put keep kept avoid have has having had be been being is are was were".replace(
            "/", " "
        )
    )
)

# Words of any English sentence: what is done, how, and to whom. They say nothing of which thing is meant.
_GENERAL = frozenset(
    words_of(
        "accept accepted accepts accidental accordance across act activated active add adequately adhere adopt advanced affect against agreed aid"
        " aim align allow allows answer answers appear applied applies apply approach appropriate approved arise around assess assign"
        " assist associated assume attach attempt attempts automatically available away basis become becomes begin behave behaves behavior behaviour"
        " behind below beside best better beyond big bit both bound bounded bring brings build busy but by call called calls cannot capture captured"
        " carefully carry case cases cause change changed changes changing choose chosen clean clear close closed collect collected come commonly"
        " communicate communicates communication consider considered consistent consistently contain contains content correct could cover covered"
        " covers cryptographically currently customize daily decide dedicated deemed defer define deliver delivered deny dependent derive describe"
        " described designed desired destination detail detailed details detect detected determine dev develop developed development different"
        " directly discover display displayed distinct do does down during each earlier ease easy effective effectively efficient effort either"
        " embed embedded emit emitted employ enable end ensure entire entry equal equivalent especially essential establish established evaluate"
        " even eventually every exactly exceed exceeds except excess excessive exclusively execute executed executes exist expect expected explain"
        " export exported expose exposed exposes exposing extra fast fault feature features few final find fine first fit fix follow followed"
        " following follows forget form formally forms forward found free fresh friendly from full functional functionality further future gain"
        " gained general generally generate generated generates get give given goal good grant great group guarantee guaranteed guard handle happen"
        " happens hard have help here hidden hide high highly hold holds hourly how however identified identify if ignore ignored immediately impact"
        " important in inbound include included includes including increase increased independent individual industry inform information initial"
        " inject injected insert inside install installed instead intact intend intended intent internal into invalid invoke involve issue it item"
        " just keep kind know known lack large largest last later latest lead least leave length less let level light limit line link linked list"
        " little live local locate located long look low lower made main mainly maintain maintained majority make manage managed management"
        " manages manually many match matches maximum me mean means meant measurable measure measured mechanism mechanisms meet meets method methods"
        " might min minimal minimise minimize minimum mitigate mitigates mode modify monthly more most mostly move moved much must near necessary"
        " need never new next no normal nothing notice now number obtain occur occurs of off offer often ok old on once one only onto open opened"
        " operate option options or order ordinary other otherwise our out output outside over own owned pair part partial particular party pass"
        " passed passes past pattern per perform permanent permit person pick place placed plan planned point portion possible post potentially"
        " practical pre prepare prepared prepares presence present prevent previously principle prior priority probably produce produced produces"
        " producing proof proper prove proven provide provision publish pull purpose put quick quickly quite raise raised raises rather reach"
        " reachable read reads ready real really reason reasonable receive received record recorded reduce reduced reduces refer regarding"
        " regardless rehearsed reject rejected rejects related relax relaxed relevant rely remain remote remove repeat repeatable replace report"
        " reported reports represent request require requirement requirements resolve resolved respect respective respectively respond responds"
        " result return returned returns reveal review reviewed right run safe same save scale scheduled second secure see seen select selected self"
        " send sends sent separate separately serve served server serves set settle setup several shape shared ship shipped should show shown shows"
        " side significant similar simple simply since single site situation size slight slow small so some soon sort source special specifically"
        " specify spot stable standard start started starts status step still stop stopped store stored stores strict strong style styles sub"
        " succeed successful successfully such sufficient suggest suitable summarise summarize supply support sure symptom system take taken takes"
        " target team tell temporary term than that their them then there therefore these they thing things third this those through throughout time"
        " to together tool tooling tools top total toward track tracked transform treat trigger triggered true truly trusted try turn two type"
        " typical typically under undergo understand understands unexpected unique uniquely unless unneeded until unusual up update upon upper"
        " urgent usage use useful user usual valid validly value various verbose very via view visible want warn watch way weekly well what whatever"
        " when where wherever whether which while who whole why wide widely will wired wise with within without word work workload world would write"
        " writes wrong year yes yet your"
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
    "asyncpg": ("asyncpg",), "wsgi": ("wsgi", "gunicorn"), "asgi": ("asgi", "uvicorn", "hypercorn", "daphne"), "pgbouncer": ("pgbouncer",), "kubernetes": ("kubernetes", "kind: deployment", "apiversion"), "istio": ("istio",), "traefik": ("traefik",), "loki": ("loki",), "rollbar": ("rollbar",), "bugsnag": ("bugsnag",), "dramatiq": ("dramatiq",), "hypothesis": ("hypothesis",),
}  # fmt: skip
_PRODUCT = re.compile(r"(?<![\w.])(" + "|".join(sorted(map(re.escape, _PRODUCTS), key=len, reverse=True)) + r")(?![\w])", re.IGNORECASE)
# "k6 or Locust", "Trivy/Grype": one of them is enough.
_EITHER = re.compile(r"\s+or\s+|/|\s+equivalent\b|\be\.g\.|\bsuch as\b|\blike\b", re.IGNORECASE)
# "(Snyk, Dependabot)" is a choice; "(HSTS, CSP)" are headers, of which all are asked for.
_BRACKET = re.compile(r"\([^()]*,[^()]*\)|^[^()]*,[^()]*\)\W*$")
_HEADERS = frozenset(("hsts", "csp"))
_PATHS = re.compile(r"(?:[\w.-]+/)+[\w-]+\.\w{1,8}\b|(?<!\w)/[\w/.{}-]+|\b[\w-]+\.(?:py|md|toml|ini|ya?ml|json|sh|cfg|txt)\b")


# What things that lists ask for are called where they stand.
_SEEN_AS: Mapping[str, tuple[str, ...]] = {
    name: seen
    for words, seen in (
        ("readiness", ("ready",)),
        ("liveness", ("live", "alive")),
        ("correlation", ("request id", "x request id", "trace id", "traceparent", "correlation")),
        ("digest", ("sha256",)),
        ("compression", ("gzip", "brotli", "compress")),
        ("docker", ("dockerfile", "compose")),
        ("container", ("dockerfile", "compose", "pod")),
        ("containerization", ("dockerfile", "compose")),
        ("dockerfile", ("dockerfile", "containerfile")),
        ("database", ("postgres", "mysql", "sqlite", "sql", "mongo")),
        ("exponential", ("expo", "backoff factor", "jitter")),
        ("backoff", ("wait exponential", "wait random exponential", "expo", "backoff")),
        ("maximum", ("max",)),
        ("input", ("client",)),
        ("certificate", ("tls", "verify", "certificate")),
        ("deserialization", ("pickle", "yaml", "marshal", "deserial", "jsonpickle", "dill", "joblib")),
        ("command", ("command", "shell", "subprocess")),
        ("shell", ("command", "shell", "subprocess")),
    )
    for name in words_of(words)
}


def own_words(item: Item) -> frozenset[str]:
    """The words by which an item is called: its title and its name."""
    return frozenset(words_of(f"{item.title} {item.id.replace('-', ' ')}"))


# What a thing is for says nothing of which thing is meant.
_PURPOSE = re.compile(
    r"\bfor\s+(?:(?:better|improved|optimal|high|good)\s+)?(?:performance|security|reliability|scalability|stability|safety|production|resilience|maintainability|efficiency)\b",
    re.IGNORECASE,
)


# What any line says of any thing: that it is there, everywhere, in the service, and that somebody sees to it.
PRESENCE = frozenset(
    words_of(
        "configure configured configuration config implement implemented implementation enable enabled set sets setup define defined add added exist exists create created"
        " provide provided use used uses using apply applied place present active available integrated integration support supported introduce established install installed"
        " production prod service services application applications app apps system systems project code source codebase base repository python api apis workflow"
        " not never zero none without free should must can shall may need needs required requires ensure ensured make sure only least properly proper correctly correct explicit explicitly"
        " disabled disable off removed remove prevent prevented prevention avoid avoided protect protected protection left remaining found committed"
        " whole entire base anywhere everywhere do does dont step steps replaced pattern patterns fixed ready check checks statement statements generation generate expanded hardened endpoint endpoints route routes request requests"
        " enforced automatically automatic kept sent backend"
        " individual generated running rule rules specification specific store stored variable variables expose exposed style possible applicable optional where"
    )
)


@cache
def _shared(phrases: tuple[str, ...]) -> frozenset[str]:
    """The words that several phrases share: what an item is about, and no single line's addition."""
    counted = Counter(word for phrase in phrases for word in set(words_of(phrase)))
    return frozenset(word for word, times in counted.items() if times >= _SHARED_BY)


# Phrases of an item that a word stands in before it says what the item is about. Measured on 249 answers to eleven lists of others that were
# judged one by one: with two, 19 of the 61 wrong ones are told apart, with three 28, with four 30, and from there on right ones are lost alone.
_SHARED_BY = 3


def vocabulary(item: Item) -> frozenset[str]:
    """What an item is about: its title and name, what its phrases share, and other words for it."""
    return own_words(item) | _shared(item.says) | frozenset(words_of(" ".join(item.means)))


# What a section may be about instead of the service: its lines mean these, whatever their own words are.
_CARRIERS = frozenset(
    words_of(
        "docker dockerfile compose container containers image images kubernetes k8s cluster pod pods database databases db postgres mysql redis cache queue queues broker worker workers"
        " frontend ui mobile browser email smtp payment payments billing webhook webhooks oauth oauth2 websocket websockets upload uploads storage bucket cdn dns"
        " balancer proxy nginx server servers host network infrastructure cloud aws vendor vendors llm ml model models incident"
    )
)
_SECTION_WORDS = 5
# The files of a container's world that a section may be about: "Docker Compose" is not about Dockerfiles.
_FILES = frozenset(words_of("dockerfile compose"))


def uncovered(text: str, item: Item, evidence: str, wholly: bool = False) -> list[str]:
    """The words of a text that neither what its item is about nor the evidence itself (what was said and what stands there) holds, and that are
    more than the presence of a thing. A phrase by which a line means its item covers nothing by itself: "Cache compression" of an item
    about caching is answered only by a place that compresses. wholly: it is missing as a whole, and so is whatever its phrases name."""
    known = vocabulary(item) | PRESENCE | _product_words(text)
    if wholly:
        known |= TRADE | frozenset(words_of(" ".join((*item.says, *item.narrow))))
    left = [
        word
        for word in dict.fromkeys(words_of(_PATHS.sub(" ", _PURPOSE.sub(" ", text))))
        if word not in known and not any(map(str.isdigit, word)) and len(word) > 1
    ]
    there = frozenset(words_of(evidence)) if left else frozenset()
    return [word for word in left if word not in there and not any(each in evidence for each in _SEEN_AS.get(word, ()))]


def elsewhere(text: str, above: Sequence[str], item: Item, evidence: str) -> str:
    """What the section of a line is about, where its item is not about that and the evidence does not hold it: "Docker: security scanning" is not
    answered by a scan of the code; "". A line that says itself what it is about is about that."""
    if vocabulary(item) & _CARRIERS & frozenset(words_of(text)):
        return ""
    own = vocabulary(item)
    # An item about several of them is asked of each: timeouts of a cache say nothing of the database's.
    known = own if len(own & _CARRIERS) <= 1 else frozenset()
    for words in (words_of(heading) for heading in above[:2] if len(heading.split()) <= _SECTION_WORDS):
        named = [word for word in words if word in _CARRIERS]
        named = [word for word in named if word in _FILES] or named
        there = frozenset(words_of(evidence)) if named else frozenset()
        if named and not any(word in known or word in there or any(each in evidence for each in _SEEN_AS.get(word, ())) for word in named):
            return named[0]
    return ""


def left_over(subject: str, item: Item, phrase: str = "") -> list[str]:
    """The words of what a line names that neither its item (and the phrase by which it is meant) nor the trade's common words account for."""
    said = set(words_of(subject))
    # Every phrase that stands in the line accounts for its words.
    fitting = [words for words in map(words_of, item.says) if said.issuperset(words)]
    meant = frozenset(word for words in (words_of(phrase), *fitting) for word in words)
    known = ((own_words(item) | TRADE | _GENERAL | meant) - frozenset(words_of(" ".join(item.narrow)))) | _product_words(subject)
    words = words_of(_PATHS.sub(" ", _PURPOSE.sub(" ", subject)))
    return [word for word in dict.fromkeys(words) if word not in known and not any(map(str.isdigit, word)) and len(word) > 1]


def narrowing(words: Iterable[str], item: Item) -> list[str]:
    """Those of the words that ask for more than the item itself."""
    narrow = frozenset(words_of(" ".join(item.narrow)))
    return [word for word in words if word in narrow]


def products_in(text: str) -> tuple[list[str], bool]:
    """The products that a text names, and whether one of them is enough."""
    found = list(dict.fromkeys(match[1].lower() for match in _PRODUCT.finditer(_PATHS.sub(" ", text))))
    bracket = _BRACKET.search(text)
    listed = bracket is not None and sum(name in bracket[0].lower() for name in found) > 1 and not _HEADERS & set(found)
    return found, len(found) > 1 and (listed or _EITHER.search(text) is not None)


def names_of(product: str) -> tuple[str, ...]:
    """How a product is called in files, in lower case."""
    return _PRODUCTS[product]


def missing_from(near: str, words: Iterable[str]) -> str:
    """The first of the words with which no word of a text begins, or "". What code calls otherwise is looked for by those names as well."""
    return next(
        (word for word in words if not any(re.search(rf"(?<![a-z]){re.escape(each)}", near) for each in (word, *_SEEN_AS.get(word, ())))),
        "",
    )


def _product_words(text: str) -> frozenset[str]:
    """The words of the products that a text names, which are looked for by all their names. `gzipped` names none: it is a word like others."""
    return frozenset(word for name in products_in(text)[0] for word in words_of(name))


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def said_of(parts: Sequence[str]) -> str:
    """What was said and seen, as one text to look words up in: names are taken apart at their humps and lines, and stand there whole as well."""
    said = "\n".join(parts)
    return f"{said}\n{_HUMP.sub(' ', said)}".lower().replace("_", " ").replace("-", " ")
