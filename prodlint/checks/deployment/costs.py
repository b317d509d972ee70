"""PRD862 cloud-cost-tags-missing: what costs money in a cloud and says neither whose it is nor what for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prodlint.checks import CheckContext, Diagnostic, Project, ProjectDiagnostic, ProjectFact, check, collect, documents, project_check
from prodlint.facts import Document, Node
from prodlint.model import Evidence, Related
from prodlint.values.workloads import pods

# Resources with a bill that take tags, by the providers' documentation (read 2026-11-30); types that take none (attachments, policies, records) are left out.
_AWS = re.compile(
    r"aws_(?:instance|launch_template|autoscaling_group|ebs_volume|db_instance|db_cluster|rds_cluster|rds_cluster_instance|s3_bucket|ecs_cluster|ecs_service|ecs_task_definition|eks_cluster|eks_node_group"
    r"|lambda_function|elasticache_cluster|elasticache_replication_group|elasticache_serverless_cache|lb|alb|elb|nat_gateway|eip|dynamodb_table|sqs_queue|sns_topic|kinesis_stream|kinesis_firehose_delivery_stream"
    r"|efs_file_system|fsx_\w+_file_system|opensearch_domain|elasticsearch_domain|msk_cluster|mq_broker|cloudfront_distribution|redshift_cluster|docdb_cluster|neptune_cluster|memorydb_cluster|sagemaker_endpoint|sagemaker_notebook_instance"
    r"|apprunner_service|batch_compute_environment|glue_job|ecr_repository|kms_key|secretsmanager_secret|cloudwatch_log_group|vpn_connection|vpc_endpoint|transfer_server|workspaces_workspace|emr_cluster|lightsail_instance)\Z"
)
_GOOGLE = re.compile(
    r"google_(?:compute_instance|compute_instance_template|compute_disk|compute_address|storage_bucket|cloud_run_v2_service|cloud_run_v2_job|container_cluster|container_node_pool|pubsub_topic|pubsub_subscription"
    r"|bigquery_dataset|bigquery_table|redis_instance|cloudfunctions2?_function|sql_database_instance|spanner_instance|alloydb_cluster|alloydb_instance|filestore_instance|dataproc_cluster|composer_environment|artifact_registry_repository"
    r"|notebooks_instance|vertex_ai_endpoint|secret_manager_secret)\Z"
)
_AZURE = re.compile(
    r"azurerm_(?:linux_virtual_machine|windows_virtual_machine|virtual_machine_scale_set|linux_virtual_machine_scale_set|managed_disk|kubernetes_cluster|kubernetes_cluster_node_pool|storage_account|postgresql_flexible_server"
    r"|mysql_flexible_server|mssql_server|mssql_database|redis_cache|container_app|container_group|container_registry|service_plan|linux_web_app|windows_web_app|linux_function_app|application_gateway|lb|public_ip|nat_gateway"
    r"|cosmosdb_account|servicebus_namespace|eventhub_namespace|log_analytics_workspace|application_insights|key_vault|resource_group|search_service|cognitive_account|databricks_workspace)\Z"
)
_TAGS = frozenset(("tags", "labels", "resource_labels", "user_labels", "tag", "tags_all", "effective_labels"))
_BUDGETS = re.compile(
    r"(?:aws_budgets_budget|aws_ce_anomaly_\w+|google_billing_budget|azurerm_consumption_budget_\w+|azurerm_cost_anomaly_alert)\Z"
)
_BUDGETS_FORMATION = frozenset(("AWS::Budgets::Budget", "AWS::CE::AnomalyMonitor", "AWS::CE::AnomalySubscription"))
_FORMATION = re.compile(
    r"AWS::(?:EC2::(?:Instance|Volume|NatGateway|EIP)|RDS::DB(?:Instance|Cluster)|S3::Bucket|ECS::(?:Cluster|Service|TaskDefinition)|EKS::(?:Cluster|Nodegroup)|Lambda::Function|ElastiCache::(?:CacheCluster|ReplicationGroup)"
    r"|ElasticLoadBalancingV2::LoadBalancer|DynamoDB::Table|SQS::Queue|SNS::Topic|Kinesis::Stream|EFS::FileSystem|OpenSearchService::Domain|MSK::Cluster|CloudFront::Distribution|Redshift::Cluster|Serverless::Function)\Z"
)
_ROLES = ("test", "example", "docs", "dev", "ci")


def _resources(document: Document) -> Iterator[tuple[str, str, Node]]:
    """The resources of a Terraform file: type, name, block."""
    listing = document.root.get("resource")
    for kind, names in listing.members.items() if listing is not None and listing.kind == "mapping" else ():
        for name, block in names.members.items() if names.kind == "mapping" else ():
            if block.kind == "mapping":
                yield kind, name, block


def _has_tags(block: Node) -> bool:
    """Whether a resource has tags of its own, an expression (a variable, `merge(...)`) among them; the settings of a Cloud SQL instance hold them inside."""
    if any(key in _TAGS and (node.kind != "mapping" or node.members) for key, node in block.members.items()):
        return True
    settings = block.get("settings")
    return settings is not None and settings.kind == "mapping" and any(key in _TAGS for key in settings.members)


@collect(
    "default-tags",
    "untagged",
    "budget",
    "billed",
    on=[documents("terraform")],
    required_literals=[("resource",), ("default_tags",), ("default_labels",)],
    files=("hcl", "json"),
    not_in=_ROLES,
)
def terraform(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """What a Terraform file says of tags and budgets."""
    providers = document.root.get("provider")
    for node in providers.walk() if providers is not None else ():
        if node.path.rpartition(".")[2] in ("default_tags", "default_labels"):
            yield ProjectFact("default-tags", context.file.path, node.span, node.path.split(".")[1] if "." in node.path else "")
    for kind, name, block in _resources(document):
        if _BUDGETS.match(kind):
            yield ProjectFact("budget", context.file.path, block.key_span, f"{kind}.{name}")
        cloud = "aws" if _AWS.match(kind) else "google" if _GOOGLE.match(kind) else "azurerm" if _AZURE.match(kind) else ""
        if cloud:
            topic = "billed" if _has_tags(block) else "untagged"
            yield ProjectFact(topic, context.file.path, block.key_span, f"{kind}.{name}", (("cloud", cloud),))


@collect(
    "untagged",
    "budget",
    "billed",
    on=[documents("cloudformation")],
    required_literals=[("resources", "aws::")],
    files=("yaml", "json"),
    not_in=_ROLES,
)
def cloud_formation(document: Document, context: CheckContext) -> Iterator[ProjectFact]:
    """The same of CloudFormation and SAM, whose `Globals` may tag functions."""
    resources = document.root.get("Resources")
    functions = document.root.get("Globals", "Function", "Tags") is not None
    for name, resource in resources.members.items() if resources is not None and resources.kind == "mapping" else ():
        kind = resource.text_at("Type")
        if kind in _BUDGETS_FORMATION:
            yield ProjectFact("budget", context.file.path, resource.key_span, name)
        if _FORMATION.match(kind):
            tagged = resource.get("Properties", "Tags") is not None or functions and kind == "AWS::Serverless::Function"
            yield ProjectFact(
                "billed" if tagged else "untagged", context.file.path, resource.key_span, f"{name} ({kind})", (("cloud", "formation"),)
            )


@project_check("PRD862", topics=("default-tags", "untagged", "budget", "billed"))
def untagged(project: Project, options: Mapping[str, Any]) -> Iterator[ProjectDiagnostic | Evidence]:
    """Resources without tags, where no provider gives all of them some; and a project whose bill nobody watches."""
    defaults = project.about("default-tags")
    by_default = {fact.words for fact in defaults}
    for fact in defaults:
        yield Evidence("PRD862", fact.path, fact.span, f"default tags of `{fact.words}`")
    by_file: dict[tuple[str, str], list[ProjectFact]] = {}
    for fact in project.about("untagged"):
        if fact.get("cloud") not in by_default:
            by_file.setdefault((fact.path, fact.get("cloud")), []).append(fact)
    for (path, cloud), facts in by_file.items():
        where = {"aws": ", and the provider has no `default_tags`", "google": ", and the provider has no `default_labels`"}.get(cloud, "")
        others = f" (and {len(facts) - 1} more in this file)" if len(facts) > 1 else ""
        related = tuple(Related(path, fact.span, f"`{fact.words}` has none either") for fact in facts[1:10])
        yield ProjectDiagnostic(path, facts[0].span, f"`{facts[0].words}`{others} has no tags{where}", related=related)
    budgets = project.about("budget")
    paid = [*project.about("billed"), *project.about("untagged")]
    if budgets:
        yield Evidence("PRD862", budgets[0].path, budgets[0].span, f"the budget `{budgets[0].words}`")
    elif paid and options.get("budget", True):
        first = min(paid, key=lambda fact: (fact.path, fact.span.line))
        yield ProjectDiagnostic(first.path, first.span, "no budget and no alarm for costs stands beside what is paid for here")


@check("PRD862", on=[documents("kubernetes")], required_literals=[("containers", "kind")], files=("yaml", "json"))
def unlabelled(document: Document, context: CheckContext) -> Iterator[Diagnostic]:
    """A workload whose labels say neither whose it is nor what it is part of."""
    wanted = set(context.options.get("labels", ()))
    if document.template or context.environment.holds_file("kustomization.yaml") or context.environment.holds_file("kustomization.yml"):
        return  # charts and overlays put theirs on everything
    for pod in pods(document):
        found: set[str] = set()
        for path in (("metadata", "labels"), ("spec", "template", "metadata", "labels")):
            labels = pod.root.get(*path)
            found |= set(labels.members) if labels is not None and labels.kind == "mapping" else set()
        if not wanted & found and pod.kind != "Pod" and not pod.patch:
            at = pod.root.get("metadata", "name") or pod.root
            yield Diagnostic(at, f"the labels of `{pod.name}` do not say whose it is: none of {', '.join(sorted(wanted))}")
