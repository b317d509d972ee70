"""Containers, compose and Kubernetes: how a service is shipped (PRD801-PRD846). Each part registers its own checks."""

from __future__ import annotations

from prodlint.checks import (
    deployment_compose,
    deployment_dockerfile,
    deployment_images,
    deployment_kubernetes,
    deployment_project,
    deployment_traces,
)

__all__ = [
    "deployment_compose",
    "deployment_dockerfile",
    "deployment_images",
    "deployment_kubernetes",
    "deployment_project",
    "deployment_traces",
]
