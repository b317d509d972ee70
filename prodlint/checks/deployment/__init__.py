"""Containers, compose and Kubernetes: how a service is shipped (PRD801-PRD846). Each part registers its own checks."""
