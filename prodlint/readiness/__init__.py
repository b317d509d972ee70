"""The readiness report: a checklist that is data, answered with places; and the audit of checklists that were ticked by hand."""
