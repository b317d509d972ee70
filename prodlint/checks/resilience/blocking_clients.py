"""Plain clients of servers in async code (PRD571): what each is made by, and its asynchronous counterpart.

Read in the packages: redis 8.1 (`redis.asyncio`), pymongo 4.20 (`AsyncMongoClient`), elasticsearch 9.5 (`AsyncElasticsearch`), openai 3.57
and anthropic 2.14 (`AsyncOpenAI`, `AsyncAnthropic`), docker 7.2 (no asynchronous client), kubernetes, stripe 16.1 (`*_async` methods).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from prodlint.checks import CheckContext, Diagnostic, calls, check, every
from prodlint.facts import Attribute, Call, Expression, Function, Module, Name, Subscript, calls_in
from prodlint.values.places import body_of, enclosing, in_lambda, is_imported, shown, types_in

_THREAD = "`asyncio.to_thread`"

# What makes a client -> what to use in its place.
CLIENTS: Mapping[str, str] = {
    **dict.fromkeys(
        ("redis.Redis", "redis.StrictRedis", "redis.from_url", "redis.Redis.from_url", "redis.StrictRedis.from_url", "redis.client.Redis",
         "redis.cluster.RedisCluster", "redis.RedisCluster", "redis.sentinel.Sentinel.master_for"),
        "`redis.asyncio`",
    ),
    **dict.fromkeys(("pymongo.MongoClient", "pymongo.mongo_client.MongoClient"), "`pymongo.AsyncMongoClient`"),
    **dict.fromkeys(("elasticsearch.Elasticsearch", "elasticsearch8.Elasticsearch"), "`AsyncElasticsearch`"),
    "opensearchpy.OpenSearch": "`AsyncOpenSearch`",
    **dict.fromkeys(("docker.from_env", "docker.DockerClient", "docker.client.DockerClient", "docker.client.from_env"), f"aiodocker, or {_THREAD}"),
    **{f"openai.{name}": f"`openai.Async{name}`" for name in ("OpenAI", "AzureOpenAI")},
    **{f"anthropic.{name}": f"`anthropic.Async{name}`" for name in ("Anthropic", "AnthropicBedrock", "AnthropicVertex")},
    "groq.Groq": "`groq.AsyncGroq`",
    "together.Together": "`together.AsyncTogether`",
    "cerebras.cloud.sdk.Cerebras": "`AsyncCerebras`",
    "cohere.Client": "`cohere.AsyncClient`",
    "cohere.ClientV2": "`cohere.AsyncClientV2`",
    "ollama.Client": "`ollama.AsyncClient`",
    "huggingface_hub.InferenceClient": "`huggingface_hub.AsyncInferenceClient`",
    "qdrant_client.QdrantClient": "`qdrant_client.AsyncQdrantClient`",
    "chromadb.HttpClient": "`chromadb.AsyncHttpClient`",
    "meilisearch.Client": f"meilisearch-python-sdk, or {_THREAD}",
    "typesense.Client": _THREAD,
    "pysolr.Solr": _THREAD,
    "minio.Minio": f"miniopy-async, or {_THREAD}",
    "slack_sdk.WebClient": "`slack_sdk.web.async_client.AsyncWebClient`",
    "slack_sdk.web.WebClient": "`slack_sdk.web.async_client.AsyncWebClient`",
    "slack_sdk.webhook.WebhookClient": "`AsyncWebhookClient`",
    "twilio.rest.Client": f"`AsyncTwilioHttpClient`, or {_THREAD}",
    "sendgrid.SendGridAPIClient": _THREAD,
    "hvac.Client": _THREAD,
    "consul.Consul": _THREAD,
    "kazoo.client.KazooClient": _THREAD,
    "ldap3.Connection": _THREAD,
    "paramiko.SSHClient": f"asyncssh, or {_THREAD}",
    "ftplib.FTP": f"aioftp, or {_THREAD}",
    "ftplib.FTP_TLS": f"aioftp, or {_THREAD}",
    "imaplib.IMAP4": _THREAD,
    "imaplib.IMAP4_SSL": _THREAD,
    "xmlrpc.client.ServerProxy": _THREAD,
    "zeep.Client": "`zeep.AsyncClient`",
    "suds.client.Client": _THREAD,
    "urllib3.PoolManager": f"an async client, or {_THREAD}",
    "pymemcache.client.base.Client": f"aiomcache, or {_THREAD}",
    "pymemcache.Client": f"aiomcache, or {_THREAD}",
    "memcache.Client": f"aiomcache, or {_THREAD}",
    "influxdb_client.InfluxDBClient": "`InfluxDBClientAsync`",
    "clickhouse_connect.get_client": "`clickhouse_connect.get_async_client`",
    "clickhouse_driver.Client": f"asynch, or {_THREAD}",
    "neo4j.GraphDatabase.driver": "`neo4j.AsyncGraphDatabase`",
    "cassandra.cluster.Cluster": _THREAD,
    "pyodbc.connect": f"aioodbc, or {_THREAD}",
    "oracledb.connect": "`oracledb.connect_async`",
    "snowflake.connector.connect": _THREAD,
    "psycopg_pool.ConnectionPool": "`psycopg_pool.AsyncConnectionPool`",
    "kafka.KafkaProducer": f"aiokafka, or {_THREAD}",
    "kafka.KafkaConsumer": f"aiokafka, or {_THREAD}",
    "pika.BlockingConnection": "aio-pika",
    "supabase.create_client": "`supabase.acreate_client`",
    **{
        f"google.cloud.{service}.Client": _THREAD
        for service in ("storage", "bigquery", "firestore", "pubsub_v1", "secretmanager", "datastore", "translate_v2")
    },
    "azure.storage.blob.BlobServiceClient": "`azure.storage.blob.aio`",
    "azure.storage.blob.BlobServiceClient.from_connection_string": "`azure.storage.blob.aio`",
    "azure.keyvault.secrets.SecretClient": "`azure.keyvault.secrets.aio`",
    **{f"kubernetes.client.{api}": f"kubernetes_asyncio, or {_THREAD}" for api in ("CoreV1Api", "AppsV1Api", "BatchV1Api", "CustomObjectsApi", "NetworkingV1Api")},
}  # fmt: skip

# Calls that only make something of a client, and ask nobody.
_LOCAL = frozenset(
    "pipeline pubsub register_script lock get_database get_collection with_options with_raw_response with_streaming_response options copy session "
    "get_default_database get_connection_kwargs bucket blob document collection batch get_blob_client get_container_client set_missing_host_key_policy "
    "find aggregate list_collections watch cursor table query".split()
)
# A cursor of pymongo asks when it is read.
_CURSORS = ("find", "aggregate")
_READERS = frozenset(("list", "tuple", "sorted", "next", "set", "dict", "sum", "len"))

# Functions that wait for a disk or a server; what they read may be large.
FUNCTIONS: Mapping[str, str] = {
    **{
        f"pandas.read_{kind}": _THREAD
        for kind in ("csv", "excel", "parquet", "sql", "sql_query", "sql_table", "json", "table", "feather", "pickle", "html", "xml", "hdf", "orc", "stata", "sas")
    },
    **{f"polars.read_{kind}": _THREAD for kind in ("csv", "excel", "parquet", "json", "ndjson", "database", "avro", "ipc")},
    "replicate.run": "`replicate.async_run`",
    "urllib3.request": f"an async client, or {_THREAD}",
    "ollama.chat": "`ollama.AsyncClient`",
    "ollama.generate": "`ollama.AsyncClient`",
    "litellm.completion": "`litellm.acompletion`",
    "litellm.embedding": "`litellm.aembedding`",
    **{f"stripe.{thing}.{verb}": f"`{verb}_async`" for thing in ("Charge", "Customer", "PaymentIntent", "Subscription", "Invoice", "Refund", "checkout.Session", "Price", "Product")
       for verb in ("create", "retrieve", "modify", "list", "search")},
}  # fmt: skip

_MAKERS = tuple(sorted(CLIENTS, key=len, reverse=True))


def _maker(call: Call) -> str:
    """What made the client that a call goes to, however far below it: `client.chat.completions.create`."""
    return next((made for made in _MAKERS if call.name.startswith(made + ".")), "")


def _blocks(call: Call) -> bool:
    """Whether a call of a client asks its server."""
    if call.method in _CURSORS and _maker(call).startswith("pymongo."):
        return any(around.method in _READERS for around in _arguments_around(call))
    return call.method not in _LOCAL and call.method != "close"


def _arguments_around(call: Call) -> Iterator[Call]:
    """The calls of the same function that have this one for an argument: `list(orders.find({}))`."""
    for other in call.module.calls():
        if other.start <= call.start and call.end <= other.end and other.start != call.start:
            if any(argument.start <= call.start and call.end <= argument.end for argument in other.arguments):
                yield other


@check("PRD571", on=[calls(*(f"{made}.*" for made in CLIENTS))], required_literals=[("async", made.split(".", 1)[0]) for made in CLIENTS])
def blocking_server_client(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """A plain client's call in an async function: reported once a function and kind of client, at its first call."""
    function = _async_function(call)
    if function is None or not _blocks(call) or not is_imported(call):
        return
    made = _maker(call)
    if made and _first_calls(call.module).get((function.start, made)) == call.start:
        yield Diagnostic(call, f"`{shown(call)}` blocks the event loop: use {CLIENTS[made]}")


@lru_cache(maxsize=4)
def _first_calls(module: Module) -> Mapping[tuple[int, str], int]:
    """Where each async function first asks a server by a plain client, by what made the client."""
    first: dict[tuple[int, str], int] = {}
    for call in module.calls():
        made = _maker(call)
        function = _async_function(call) if made else None
        if function is not None and _blocks(call):
            first[function.start, made] = min(call.start, first.get((function.start, made), call.start))
    return first


@check("PRD571", on=[every(Function)], required_literals=[("async", made.split(".", 1)[0]) for made in CLIENTS])
def blocking_parameter(function: Function, context: CheckContext) -> Iterator[Diagnostic]:
    """A plain client that came in as a parameter: its annotation says what it is."""
    if not function.is_async or _before_serving(function):
        return
    for parameter in function.parameters:
        made = _annotated(parameter.annotation, function.module) if parameter.annotation else ""
        if not made:
            continue
        asked = (
            call
            for call in calls_in(body_of(function))
            if isinstance(call.function, Name) and call.function.source_text.startswith(f"{parameter.name}.")
        )
        first = next((call for call in asked if _async_function(call) is not None and call.method not in _LOCAL), None)
        if first is not None:
            yield Diagnostic(first, f"`{shown(first)}` of `{made}` blocks the event loop: use {CLIENTS[made]}")


# What only pymongo's collections have.
_OF_COLLECTIONS = tuple(
    f"*.{name}"
    for name in (
        *("find_one", "insert_one", "insert_many", "update_one", "update_many", "replace_one", "delete_one", "delete_many", "bulk_write"),
        *("count_documents", "estimated_document_count", "find_one_and_update", "find_one_and_delete", "find_one_and_replace"),
    )
)


@check("PRD571", on=[calls(*_OF_COLLECTIONS)], required_literals=[("async", "pymongo")], files=("python",))
def blocking_collection(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`db = MongoClient(...)["shop"]`, and `db.orders.find_one(...)` in an async function."""
    function = _async_function(call)
    if function is None or _maker(call) or not _is_of_mongo(call.receiver, call):
        return
    before = (other for other in call.module.calls() if function.start <= other.start < call.start)
    if not any(f"*.{other.method}" in _OF_COLLECTIONS and _is_of_mongo(other.receiver, other) for other in before):
        yield Diagnostic(call, f"`{shown(call)}` blocks the event loop: use {CLIENTS['pymongo.MongoClient']}")


def _is_of_mongo(expression: Expression | None, near: Call) -> bool:
    """Whether an expression is a plain client of MongoDB, or a database or collection of one."""
    for _ in range(8):
        if isinstance(expression, (Subscript, Attribute)):
            expression = expression.value
        elif isinstance(expression, Name):
            first = expression.source_text.partition(".")[0]
            expression = near.module.constant(first)
        elif isinstance(expression, Call):
            if expression.name in ("pymongo.MongoClient", "pymongo.mongo_client.MongoClient"):
                return True
            expression = expression.receiver if expression.method in ("get_database", "get_collection", "get_default_database") else None
        else:
            return False
    return False


def _annotated(annotation: str, module: Module) -> str:
    """Which plain client an annotation names: `Redis`, `OpenAI | None`, `Annotated[Redis, Depends(cache)]`."""
    return next((found for found in types_in(annotation, module) if found in CLIENTS), "")


@check("PRD571", on=[calls(*FUNCTIONS)], required_literals=[("async", name.split(".", 1)[0]) for name in FUNCTIONS])
def blocking_function(call: Call, context: CheckContext) -> Iterator[Diagnostic]:
    """`pandas.read_csv(...)` in an async function."""
    if _async_function(call) is not None and is_imported(call) and call.constructor is None:
        yield Diagnostic(call, f"`{shown(call)}` blocks the event loop: use {FUNCTIONS[call.name]}")


def _async_function(call: Call) -> Function | None:
    """The async function that a call blocks: it stands right in it, is not awaited and is no thread's affair."""
    function = enclosing(call, call.module)
    if function is None or not function.is_async or call.awaited or in_lambda(call, body_of(function)) or _before_serving(function):
        return None
    return function


def _before_serving(function: Function) -> bool:
    return function.name in ("lifespan", "startup", "on_startup") or "lifespan" in function.name
