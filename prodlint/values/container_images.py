"""Images by their names: what a reference says, which public images keep data, only serve other services, or drop root by themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """An image reference. name: without the registries that stand for Docker Hub's official images; tag and digest "" where absent."""

    name: str
    tag: str
    digest: str

    @property
    def family(self) -> str:
        """The last part of the name."""
        return self.name.rsplit("/", 1)[-1]

    @property
    def official(self) -> bool:
        """Whether it is one of Docker Hub's official images. Another bare name is an image that somebody builds under that name."""
        return self.name in _OFFICIAL_NAMES


# https://hub.docker.com/search?badges=official
_OFFICIAL_NAMES = frozenset(
    "adminer aerospike almalinux alpine alt amazoncorretto amazonlinux api-firewall arangodb archlinux backdrop bash"
    " bonita buildpack-deps busybox caddy cassandra centos chronograf cirros clearlinux clefos clojure composer consul"
    " convertigo couchbase couchdb crate cratedb dart debian docker drupal eclipse-mosquitto eclipse-temurin eggdrop"
    " elasticsearch elixir emqx erlang express-gateway fedora flink fluentd friendica gazebo gcc geonetwork ghost golang"
    " gradle groovy haproxy haskell haxe hello-world hitch httpd hylang ibmjava influxdb irssi jenkins jetty joomla"
    " jruby julia kapacitor kibana kong krakend lightstreamer liquibase logstash mageia mariadb matomo maven mediawiki"
    " memcached mongo mongo-express monica mono mysql nats nats-streaming neo4j neurodebian nextcloud nginx node notary"
    " odoo open-liberty openjdk opensuse oraclelinux orientdb percona perl photon php phpmyadmin plone postfixadmin"
    " postgres pypy python r-base rabbitmq rakudo-star redis redmine registry rethinkdb rockylinux ros ruby rust"
    " sapmachine satosa scratch silverpeas solr sonarqube spark spiped storm swift swipl teamspeak telegraf tomcat tomee"
    " traefik ubuntu unit valkey varnish vault websphere-liberty wordpress xwiki yourls znc zookeeper".split()
)
_OFFICIAL = re.compile(
    r"(?:(?:docker\.io|index\.docker\.io|registry-1\.docker\.io|public\.ecr\.aws/docker|mirror\.gcr\.io)/)?(?:library/)?"
)


def image_of(text: str) -> Image:
    """A reference taken apart."""
    text, _, digest = text.strip().partition("@")
    head, slash, last = text.rpartition("/")
    last, _, tag = last.partition(":")
    name = f"{head}{slash}{last}"
    found = _OFFICIAL.match(name)
    bare = name[found.end() :] if found else name
    return Image(bare if bare and ("/" not in bare or name.startswith("docker.io/")) else name, tag, digest)


_VARIABLE = re.compile(r"\$\{(\w+)(?::?-([^${}]*))?\}|\$(\w+)")


def with_defaults(text: str) -> tuple[str, bool] | None:
    """A compose value with the defaults of its variables put in, and whether there were any; None where one has none."""
    varied = False
    for _ in range(4):
        if "$" not in text:
            return text, varied
        known = True

        def put(found: re.Match[str]) -> str:
            nonlocal known
            if found[2] is None:
                known = False
            return found[2] or ""

        replaced = _VARIABLE.sub(put, text)
        if not known or replaced == text:
            return None
        text, varied = replaced, True
    return None


@dataclass(frozen=True, slots=True)
class Datastore:
    """A database, broker or object store. test: a health check that its image can run, or ""."""

    words: str
    test: str = ""


_PG = Datastore("PostgreSQL", '["CMD-SHELL", "pg_isready -U $${POSTGRES_USER:-postgres}"]')
_MYSQL = Datastore("MySQL", '["CMD-SHELL", "mysqladmin ping -h 127.0.0.1 --silent"]')
_REDIS = Datastore("Redis", '["CMD", "redis-cli", "ping"]')
_MONGO = Datastore("MongoDB", '["CMD", "mongosh", "--quiet", "--eval", "db.adminCommand(\'ping\').ok"]')
_SEARCH = Datastore("Elasticsearch", '["CMD-SHELL", "curl -fs http://127.0.0.1:9200/_cluster/health"]')

DATASTORES: dict[str, Datastore] = {
    "postgres": _PG,
    "postgresql": _PG,
    "postgis": _PG,
    "pgvector": _PG,
    "timescaledb": _PG,
    "timescaledb-ha": _PG,
    "pgvecto-rs": _PG,
    "postgresql-repmgr": _PG,
    "spilo": _PG,
    "cockroach": Datastore("CockroachDB"),
    "mysql": _MYSQL,
    "percona": _MYSQL,
    "mariadb": Datastore("MariaDB", '["CMD", "healthcheck.sh", "--connect", "--innodb_initialized"]'),
    "mongo": _MONGO,
    "mongodb": _MONGO,
    "redis": _REDIS,
    "redis-stack": _REDIS,
    "redis-stack-server": _REDIS,
    "valkey": Datastore("Valkey", '["CMD", "valkey-cli", "ping"]'),
    "keydb": Datastore("KeyDB", '["CMD", "keydb-cli", "ping"]'),
    "dragonfly": Datastore("Dragonfly"),
    "memcached": Datastore("Memcached"),
    "rabbitmq": Datastore("RabbitMQ", '["CMD", "rabbitmq-diagnostics", "-q", "ping"]'),
    "kafka": Datastore("Kafka"),
    "cp-kafka": Datastore("Kafka"),
    "redpanda": Datastore("Redpanda", '["CMD", "rpk", "cluster", "health", "--exit-when-healthy"]'),
    "zookeeper": Datastore("ZooKeeper"),
    "cp-zookeeper": Datastore("ZooKeeper"),
    "elasticsearch": _SEARCH,
    "opensearch": Datastore("OpenSearch", '["CMD-SHELL", "curl -fs http://127.0.0.1:9200/_cluster/health"]'),
    "cassandra": Datastore("Cassandra"),
    "scylla": Datastore("Scylla"),
    "clickhouse-server": Datastore("ClickHouse", '["CMD-SHELL", "wget -q --spider http://127.0.0.1:8123/ping"]'),
    "influxdb": Datastore("InfluxDB", '["CMD", "influx", "ping"]'),
    "couchdb": Datastore("CouchDB"),
    "neo4j": Datastore("Neo4j"),
    "minio": Datastore("MinIO", '["CMD", "mc", "ready", "local"]'),
    "nats": Datastore("NATS"),
    "etcd": Datastore("etcd"),
    "qdrant": Datastore("Qdrant"),
    "weaviate": Datastore("Weaviate"),
    "milvus": Datastore("Milvus"),
    "vespa": Datastore("Vespa"),
    "meilisearch": Datastore("Meilisearch"),
    "typesense": Datastore("Typesense"),
    "server": Datastore("SQL Server"),
    "mssql-server": Datastore("SQL Server"),
    "surrealdb": Datastore("SurrealDB"),
    "dynamodb-local": Datastore("DynamoDB Local"),
}
# Families with a general last name count under their own owner only.
_OWNERS = {"server": "mssql"}

ADMINISTRATION = frozenset(
    "adminer pgadmin4 phpmyadmin mongo-express redis-commander redisinsight kafka-ui akhq kafdrop flower"
    " portainer portainer-ce portainer-ee pgweb cloudbeaver dozzle".split()
)
# Images that serve the services of others: proxies, monitoring, mail catchers, browsers, converters.
_INFRASTRUCTURE = ADMINISTRATION | frozenset(
    "kibana opensearch-dashboards nginx nginx-proxy nginx-unprivileged acme-companion traefik caddy haproxy envoy kong openresty httpd varnish certbot swag"
    " prometheus alertmanager grafana loki promtail tempo mimir pyroscope alloy agent jaeger all-in-one zipkin node-exporter cadvisor"
    " pushgateway blackbox-exporter opentelemetry-collector opentelemetry-collector-contrib vector fluent-bit fluentd filebeat logstash"
    " datadog statsd graphite-statsd mailhog mailpit maildev mailcatcher tika tika-server gotenberg chrome chromium browserless"
    " standalone-chrome standalone-firefox hub watchtower docker-socket-proxy autoheal localstack moto wiremock mockserver toxiproxy"
    " pgbouncer pgbouncer-exporter pgpool pgpool-II pgcat odyssey proxysql mysql-router haproxy redis-sentinel twemproxy cloudflared tailscale ngrok registry vault consul keycloak authentik dex mc minio-client busybox"
    " alpine docker dind socat stripe-cli ofelia diun homepage dashboard whoami otel-collector".split()
)
# Infrastructure that has to look into the host or its Docker to do its work.
HOST_AGENTS = frozenset(
    "node-exporter cadvisor traefik portainer portainer-ce portainer-ee watchtower docker-socket-proxy autoheal dozzle diun promtail alloy"
    " agent datadog vector fluent-bit fluentd filebeat nginx-proxy acme-companion docker-gen docker dind gitlab-runner act_runner"
    " runner actions-runner github-runner netdata glances ofelia homepage telegraf process-exporter falco whoami newrelic-infra"
    " opentelemetry-collector opentelemetry-collector-contrib otel-collector swag caddy-docker-proxy crowdsec localstack"
    " wireguard wg-easy gluetun tailscale".split()
)


_HELPS = re.compile(r"[-_]exporter\Z|(?:^|[-_])(?:local|emulator|mock|fake|simulator)(?:$|[-_])")


def datastore(image: Image | None) -> Datastore | None:
    """The datastore an image is, by its last name."""
    if image is None:
        return None
    owner = _OWNERS.get(image.family)
    if owner is not None and owner not in image.name:
        return None
    return DATASTORES.get(image.family)


def is_host_agent(image: Image) -> bool:
    """Whether an image has to look into the host to do its work."""
    return image.family in HOST_AGENTS or bool(re.search(r"exporter|profiler|collector|-agent\b|monitor", image.family))


def is_infrastructure(image: Image | None) -> bool:
    """Whether an image is one of those that only help."""
    return image is not None and (image.family in _INFRASTRUCTURE or _HELPS.search(image.family) is not None)


# ---------------------------------------------------------------- who runs the process

# Official images that switch to a user of their own, in the image or in its entrypoint.
_OWN_USER = frozenset(
    "elasticsearch kibana logstash solr haproxy memcached varnish postgres mysql mariadb mongo redis valkey rabbitmq cassandra couchdb"
    " zookeeper ghost flink neo4j influxdb percona sonarqube storm telegraf chronograf kapacitor open-liberty nats-streaming".split()
)
# Images known to leave root in place, besides the official ones.
_ROOT_PREFIXES = (
    "nvidia/cuda",
    "nvcr.io/nvidia/",
    "pytorch/pytorch",
    "tensorflow/tensorflow",
    "tiangolo/",
    "ghcr.io/astral-sh/uv",
    "continuumio/",
    "condaforge/",
    "oven/bun",
    "public.ecr.aws/amazonlinux/",
    "mcr.microsoft.com/playwright",
    "mcr.microsoft.com/devcontainers/",
    "mcr.microsoft.com/mirror/",
    "registry.access.redhat.com/ubi8/ubi",
    "registry.access.redhat.com/ubi9/ubi",
    "gcr.io/distroless/",
    "google/cloud-sdk",
    "gcr.io/google.com/cloudsdktool/",
    "phusion/baseimage",
    "intel/",
    "rocm/",
    "ubuntu/",
)
# Images that bring the server that runs what is copied into them, and start it as root.
_SERVING_PREFIXES = ("tiangolo/uvicorn-gunicorn", "tiangolo/meinheld-gunicorn", "tiangolo/uwsgi-nginx")
_NOT_ROOT = re.compile(r"nonroot|non-root|rootless|unprivileged|chainguard|cgr\.dev/|bitnami|lambda")


def has_own_user(image: Image) -> bool:
    """Whether an image is known to run its process as a user of its own."""
    return bool(_NOT_ROOT.search(f"{image.name}:{image.tag}")) or (image.official and image.name in _OWN_USER)


def brings_server(image: Image) -> bool:
    """Whether an image starts a server by itself, as root."""
    return image.name.startswith(_SERVING_PREFIXES)


def leaves_root(image: Image) -> bool:
    """Whether an image is known to start its process as root; False where it is not known."""
    if has_own_user(image):
        return False
    if image.official:
        return image.name != "scratch"
    return image.name.startswith(_ROOT_PREFIXES)


# ---------------------------------------------------------------- what a service is there for

SERVERS = re.compile(
    r"\b(?:uvicorn|gunicorn|hypercorn|daphne|granian|uwsgi|waitress|waitress-serve|fastapi|flask run|runserver|sanic|starlette|chalice"
    r"|litestar|robyn|streamlit|nginx|node|npm|next|bun|caddy|serve)\b"
)
_ONE_SHOT_NAME = re.compile(
    r"migrat|(?:^|[-_])(?:init|setup|seed|prestart|bootstrap|create|job|jobs|backup|cron|certbot|load|import|copy|chown|permissions|test|tests|e2e|shell|cli|console|tools?)(?:$|[-_0-9])"
)
_ONE_SHOT_COMMAND = re.compile(
    r"\b(?:migrate|upgrade head|collectstatic|createsuperuser|loaddata|pytest|tox|npm (?:ci|install|run build)|seed|mc mb)\b"
)


def is_one_shot(name: str, command: str) -> bool:
    """Whether a service of this name does its work and ends."""
    return bool(_ONE_SHOT_NAME.search(name) or (_ONE_SHOT_COMMAND.search(command) and not SERVERS.search(command)))
