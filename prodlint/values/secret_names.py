"""Which names are names of secrets, by their word parts.

The last part decides ("password_field" names a field), after words that only say which one it is ("SECRET_KEY_PROD").
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

NameKind = Literal["password", "secret", "token", "key", "credential", "connection", "vendor key"]


class SecretName(NamedTuple):
    """kind: what the name says its value is. certain: the name ends with it; otherwise only a random value counts.

    A "vendor key" (`STRIPE_KEY`, `OPENAI_ADMIN_KEY`) is made by a machine, so it counts only where its value is random.
    """

    kind: NameKind
    certain: bool


_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPLIT = re.compile(r"[^A-Za-z0-9]+")

# Words after the head that leave it what it is.
_NEUTRAL = frozenset(
    "value val str string default prod production live staging stage dev development local plain raw b64 base64 hex bytes encoded old new "
    "current previous fallback primary secondary main backup admin root user v1 v2 v3 a b env1 override literal content data us eu".split()
)
# Words anywhere that say the value is public or made up.
_HARMLESS = frozenset(
    "vite public publishable pub anon anonymous example dummy fake mock mocked sample demo stub placeholder bogus csrf xsrf csrfmiddleware "
    "antiforgery".split()
)
_HARMLESS_BEGINNINGS = ("csrf", "xsrf", "antiforgery")
# Verbs and qualities before "password": forms, routes and messages, not the password itself.
_ABOUT = frozenset(
    "reset resetting forgot forgotten change changed changing update updated set unset check verify validate validates invalid wrong missing bad no "
    "has have is are with without require requires required needs use uses using generate generated hash hashed encrypted mask masked lost expired "
    "create get show hide toggle min max random if on for incorrect weak strong empty blank disable disabled enable enabled delete remove allow "
    "refresh_if clear prompt ask read send request requested supports support via error".split()
)
_VERBS = frozenset(
    "parse find get make create generate fetch build compute extract decode encode hash verify validate check is has should load read".split()
)
_PASSWORD = frozenset("password passwd passwort passphrase passcode pwd pw bindpw rootpw".split())
_PASSWORD_ENDS = ("password", "passwd", "passphrase")
_BEFORE_PASS = frozenset(
    "db database smtp mail email user admin root ftp sftp redis mysql postgres postgresql pg sql auth rabbit rabbitmq mongo mongodb proxy imap ssh "
    "sudo http basic service svc ldap master mqtt amqp broker es elastic elasticsearch neo4j influx api jdbc key default become winrm bind".split()
)
_NOT_TOKEN = frozenset(
    "next page continuation resumption pagination cursor sync eos bos pad unk mask sep cls stop special image start end prefix suffix split lex syntax first "
    "last current prev previous design cancel cancellation shutdown resume parse text num max min input output prompt completion total cached audio "
    "video think begin delimiter separator trigger punctuation word field template reset by per count delete change unsubscribe tool eot eom bot fim "
    "quote operator comment keyword name string sort order list fencing color style css theme logical parser lexer close open etag authenticity website widget".split()
)
_KEY_OWNERS = frozenset(
    "api secret access private auth signing sign encryption encrypt master account shared service fernet hmac jwt crypt crypto cipher aes "
    "deploy webhook developer consumer integration ingest ingestion write subscription rsa ssh tls ssl signature symmetric license".split()
)
# Whose keys are called after them alone: `STRIPE_KEY`, `azure_search_key`.
_VENDORS = frozenset(
    "ably relic accuweather adafruit adyen agora airbrake airtable aiven akismet alchemy algolia alibaba aliyun amadeus amplitude anthropic anyscale apify "
    "appdynamics appoptics asana assemblyai atlassian auth0 authy aws axiom azure bamboo baseten bing binance bitbucket bitly braintree brave brevo bugsnag "
    "buildkite calendly censys cerebras chargebee checkly circleci clarifai clearbit clerk clickhouse clickup cloudflare cloudinary cloudsmith codecov cognitive "
    "cohere coinbase confluent contentful cosmos cosmosdb coveralls  crowdin customerio databricks datadog dbt deepgram deepl deepseek didit digitalocean "
    "discord docusign doppler dropbox dynatrace easypost elevenlabs etherscan eventhub   fastly figma finnhub firebase firecrawl   flickr "
    "flutterwave foursquare freshdesk  gcp gemini geocodio giphy gitea github gitlab google grafana groq gumroad hcaptcha helicone helius  heroku hetzner "
    "honeycomb honeybadger hubspot huggingface  ibm infura intercom ipinfo ipstack jina jira klaviyo kraken langfuse langsmith launchdarkly lemonsqueezy "
    " linode litellm livekit lob logdna loggly logtail lokalise luis mailchimp mailersend mailgun mailjet mailtrap mandrill mapbox mapquest maptiler maxmind "
    "meili meilisearch messagebird mistral mixpanel mollie mongodb moralis mux nasa neon netlify newrelic nexmo newsapi ngrok notion novita nvidia nylas okta "
    "omdb onesignal openai opencage openrouter openweather openweathermap opsgenie paddle pagerduty paypal paystack pexels perplexity pinecone pinterest plaid "
    "plivo  postmark posthog postman pubnub pulumi pusher qdrant quickbooks rapidapi raygun razorpay readme recurly redash  replicate resend retool "
    "revenuecat ringcentral riot rollbar runpod salesforce sambanova scaleway scrapingbee  semgrep sendbird sendgrid sendinblue sentry serpapi serper "
    "shippo shodan shopify sinch slack smartsheet snyk sonar sonarqube sourcegraph sparkpost speech splunk spotify  stability  storyblok strapi stripe "
    "stytch sumologic supabase svix tavily teamcity telegram telnyx tencent tiingo todoist  tomtom translator travis trello turso twilio twitch twitter "
    "typeform typesense ubidots unsplash upstash vercel virustotal vonage voyage vultr wandb watson watsonx  weatherapi weaviate webflow workos xai "
    "yandex yelp youtube zapier zendesk zilliz zoho zoom ".split()
)
# What may stand between the vendor and the key.
_VENDOR_ROLES = frozenset(
    "api access secret admin insert ingest ingestion sdk smtp server service search write license licence account app application rest master auth "
    "subscription function functions resource speech vision translator form recognizer cognitive ai llm openai embedding embeddings chat prod production live "
    "personal project org organization integration default primary secondary backup staging".split()
)
# Before "key": what is looked up, sorted or put together by it.
_NOT_KEY_OWNERS = frozenset(
    "cache partition primary foreign sort merge site node incident public publishable map bucket object row group order index item lookup unique natural surrogate "
    "composite range shard routing dedup deduplication dedupe idempotency idempotent request correlation trace span redis storage blob file path folder prefix "
    "config configuration settings setting option feature flag translation i18n message msg dict json yaml xml field column attribute attr property param "
    "parameter query event metric label tag topic queue job task lock rate throttle limit tenant customer user answer question sheet spreadsheet measurement "
    "tracking short url uri image asset upload version build commit revision checksum hash etag content name title text state context metadata meta data record "
    "document doc entity model table schema enum type kind class id ids parent child source target from to next previous last first left right up down arrow "
    "enter escape tab shift control ctrl alt hot shortcut press any every each new old temp tmp test ssh host known hosts recaptcha captcha sitekey issue "
    "ticket page cursor pagination price product sku plan coupon variant template component widget element style theme color locale lang language country region "
    "city zone time date day month year week hour fingerprint thumb thumbnail media video audio track album playlist song room channel thread conversation "
    "chat session_id cookie header form input output result response report dashboard chart graph series dimension measure stats count counter total sum min max "
    "registry hive dictionary mapping entry pair tuple list set string int config_map env environment variable var secret_name".split()
)
_SALTED = frozenset("hash hashing password passwords secret signing crypto encryption jwt cookie hashids token security global".split())
_SEEDED = frozenset("otp totp hotp mfa 2fa".split())
_KEY_WHOLE = frozenset("apikey secretkey accesskey privatekey authkey signingkey encryptionkey masterkey accountkey".split())
_SECRET_ENDS = ("secret",)


@lru_cache(maxsize=4096)
def parts_of(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: snake, kebab, dotted and camel case; a trailing number is left out."""
    words: list[str] = []
    for piece in _SPLIT.split(name[-120:]):
        if piece:
            words.extend([piece] if piece.isupper() or piece.islower() else _CAMEL.split(piece))
    lowered = [word.lower() for word in words]
    return tuple(word.rstrip("0123456789") or word for word in lowered)


# `img/flags/pw.png`, an entry of a manifest.
_FILE_NAME = re.compile(r"/[\w.\-]*\.[A-Za-z]{2,5}\Z")


# Beginnings of variables that build tools write into what browsers get, and a stand-in's.
_FOR_BROWSERS = (["react", "app"], ["vue", "app"], ["ng", "app"], ["mock", "service"])


@lru_cache(maxsize=4096)
def secret_name(name: str) -> SecretName | None:
    """What a name says its value is, or None where it names no secret."""
    words = _words(name)
    if not words or not _HARMLESS.isdisjoint(words) or words[:2] in _FOR_BROWSERS or words[0] in ("gatsby", "storybook"):
        return None
    if (words[0] in _VERBS and not name.isupper()) or any(word.startswith(_HARMLESS_BEGINNINGS) for word in words):
        return None  # a function's name, or a question's (a constant has none); what a form carries
    if words[0] == "existing" and words[-1] == "secret":
        return None  # the name of a Secret that is there already, as charts call it: `existingSecret`
    if words[-3:] == ["secret", "key", "base"]:
        return SecretName("key", True)
    every = list(words)
    while len(words) > 1 and words[-1] in _NEUTRAL:
        kind = _head(words)
        if kind is not None:
            break
        words.pop()
    kind = _head(words)
    if kind is not None:
        return SecretName(kind, all(word in _NEUTRAL for word in every[len(words) :]))
    # TOKEN_GITHUB, API_KEY_OPENAI: the owner stands behind, one word only.
    if len(words) > 1 and words[-1] not in _SAYS_SOMETHING_ELSE:
        kind = _head(words[:-1])
        if kind is not None and kind != "vendor key":
            return SecretName(kind, False)
    return None


def _words(name: str) -> list[str]:
    """The words of a name without numbers between them: a size (`AES_256_KEY`) does not change what a name says."""
    if _FILE_NAME.search(name):
        return []
    words = parts_of(name)
    return [word for word in words if not word.isdigit()] or list(words)


def value_name(name: str) -> SecretName | None:
    """As `secret_name`, and where a constant, a variable of the environment or a header ends in KEY: its value decides then.

    So does that of `pass` in a mapping: a password beside a user, a number beside `fail`.
    """
    if name in ("pass", "Pass", "PASS", "SALT"):
        return SecretName("vendor key", True)
    return secret_name(name) or _key_of_somebody(name)


@lru_cache(maxsize=4096)
def _key_of_somebody(name: str) -> SecretName | None:
    words = _words(name)
    header = name[:2] in ("x-", "X-")
    if len(words) < 2 or words[-1] != "key" or not (name.isupper() or header) or not _HARMLESS.isdisjoint(words):
        return None
    if words[-2] in _NOT_KEY_OWNERS or words[0] in _VERBS or any(word.startswith(_HARMLESS_BEGINNINGS) for word in words):
        return None
    return SecretName("vendor key", False)


_PLURALS = {
    "keys": "key",
    "tokens": "token",
    "passwords": "password",
    "passphrases": "passphrase",
    "secrets": "secret",
    "peppers": "pepper",
}


def plural_name(name: str) -> SecretName | None:
    """What a name says each value of its list or mapping is: `API_KEYS`, `TOKENS`, `passwords`."""
    words = parts_of(name)
    single = _PLURALS.get(words[-1]) if words else None
    return secret_name("_".join((*words[:-1], single))) if single is not None else None


_SAYS_SOMETHING_ELSE = frozenset(
    "id ids name names label labels url urls uri path paths file files dir header headers prefix suffix pattern regex error errors message messages msg "
    "type types length len min max expires expiry expiration expire env var variable help field fields hint placeholder endpoint alphabet count "
    "counts limit limits ttl timeout age algorithm alg format class func function method scheme kind version status state title description desc text "
    "template policy strength validator validators hasher hashers reset changed required enabled disabled form view page route link column table "
    "param params parameter parameters index usage usages budget price cost delimiter separator start end lifetime period delay seconds minutes hours "
    "days rotation store storage manager provider service backend client getter loader resolver source location ref reference refs key keys scope scopes "
    "audience issuer digest hash hashes hashed fingerprint checksum salt iv size chars charset characters set list map dict schema model serializer auth "
    "authentication response request data info details options config settings setting mode flag cookie cookies input output prompt question "
    "confirmation confirm repeat again mask masked display icon color style css selector xpath locator element button test tests mount volume "
    "property properties attr attribute attributes arg args argument option section entry item items group category tag tags topic queue event events "
    "action actions hook hooks handler callback func context subject body role user username email owner created updated deleted expired invalid valid "
    "value_from namespace arn".split()
)


def _head(words: list[str]) -> NameKind | None:
    last = words[-1]
    before = words[-2] if len(words) > 1 else ""
    if last in _PASSWORD or (len(last) > 8 and last.endswith(_PASSWORD_ENDS)):
        return None if before in _ABOUT or any(last.startswith(word) for word in _ABOUT if len(word) > 3) else "password"
    if last == "pass":
        return "password" if before in _BEFORE_PASS else None
    if last == "secret" or (len(last) > 8 and last.endswith(_SECRET_ENDS)):
        return None if before in _ABOUT else "secret"
    if last == "token" or last == "bearer" or (len(last) > 6 and last.endswith("token")):
        joined = last.removesuffix("token")
        about = any(joined.endswith(word) for word in _NOT_TOKEN if len(word) > 3) or joined in _NOT_TOKEN
        return None if before in _NOT_TOKEN or before in _ABOUT or about else "token"
    if last == "key":
        return "key" if before in _KEY_OWNERS else _vendor_key(words[:-1])
    if last in _KEY_WHOLE or last.endswith("apikey"):
        return "key"
    if last in ("credential", "credentials", "creds", "authorization"):
        return None if before in _ABOUT else "credential"
    if last == "pepper" or (last == "salt" and before in _SALTED) or (last == "seed" and before in _SEEDED):
        return "vendor key"
    if last in ("dsn", "conninfo", "connstr") or (last in ("string", "str") and before in ("connection", "conn")):
        return "connection"
    return None


def _vendor_key(owners: list[str]) -> NameKind | None:
    """Whether all that stands before "key" is a vendor and what the key is for: `azure_search_key`, not `google_sheet_key`."""
    rest = len(owners)
    while rest > 0 and owners[rest - 1] in _VENDOR_ROLES:
        rest -= 1
    vendors = owners[rest - 1 : rest] if rest else owners
    return "vendor key" if any(word in _VENDORS for word in vendors) or any(word in _VENDORS for word in owners[rest:]) else None


# Names whose value signs or encrypts sessions, cookies and tokens: PRD106.
_SIGNING = frozenset(
    (
        ("secret", "key"),
        ("jwt", "secret"),
        ("jwt", "secret", "key"),
        ("jwt", "key"),
        ("jwt", "signing", "key"),
        ("signing", "key"),
        ("session", "secret"),
        ("session", "secret", "key"),
        ("cookie", "secret"),
        ("secret", "key", "base"),
        ("csrf", "secret"),
        ("wtf", "csrf", "secret", "key"),
        ("app", "secret", "key"),
        ("flask", "secret", "key"),
        ("django", "secret", "key"),
        ("fernet", "key"),
    )
)


def is_key_of_ours(name: str) -> bool:
    """Whether a key of this name was made by the service itself, so that any literal works as one; a vendor's key must fit."""
    words = parts_of(name)
    return is_signing_name(name) or words[-2:] in (
        ("secret", "key"),
        ("encryption", "key"),
        ("signing", "key"),
        ("hmac", "key"),
        ("aes", "key"),
        ("master", "key"),
    )


_SIGNING_ENDS = frozenset(
    (
        *_SIGNING,
        ("secret", "key"),
        ("signing", "secret"),
        ("encryption", "key"),
        ("auth", "secret"),
        ("nextauth", "secret"),
        ("hmac", "secret"),
    )
)


def guards_sessions(name: str) -> bool:
    """Whether a setting's name ends like that of a key by which sessions or tokens are forged (`DJANGO_SECRET_KEY`, `JWT_SECRET`)."""
    words = tuple(_words(name))
    return any(words[-length:] in _SIGNING_ENDS for length in (2, 3))


def is_signing_name(name: str) -> bool:
    """Whether a setting of this name signs or encrypts what clients hold."""
    return parts_of(name) in _SIGNING


def _joined(first: frozenset[str], second: str) -> list[str]:
    return [word + between + second for word in sorted(first) for between in ("", "_", "-", ".", " ", "__")]


# Literals one of which stands in every name that `value_name` accepts. Neither "key" nor "pass" alone: they stand in every file.
ANCHORS: tuple[str, ...] = (
    "password",
    "passwd",
    "passwort",
    "passphrase",
    "passcode",
    "pwd",
    "pw",
    "secret",
    "token",
    "bearer",
    "credential",
    "creds",
    "authorization",
    "dsn",
    "conninfo",
    "connstr",
    "pepper",
    "salt",
    "otp_seed",
    "mfa_seed",
    "otpseed",
    "_key",
    "-key",
    ".key",
    " key",
    "pass:",
    'pass"',
    "pass'",
    *_joined(_KEY_OWNERS, "key"),
    *(f"{word}key" for word in sorted(_VENDORS | _VENDOR_ROLES)),
    *_joined(_BEFORE_PASS, "pass"),
    *_joined(frozenset({"connection", "conn"}), "str"),
)
