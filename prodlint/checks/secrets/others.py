"""What detect-secrets adds where it is installed (`prodlint[detect-secrets]`) and asked for (`detect-secrets = true` under PRD101): its
detectors for vendors whose keys have no prefix, only a name beside them.

The table knows these vendors too, so that nothing is lost without it; it is there for teams that hold both tools to the same. Only
`analyze_string` of single detectors is called, on single lines: never a whole scan, never its verification, which would try the
key over the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple


class Found(NamedTuple):
    """A value another scanner knows: its title, and where it stands in the line."""

    title: str
    start: int
    end: int


# word in the line -> (module, class, title)
_DETECTORS: dict[str, tuple[str, str, str]] = {
    "cloudant": ("cloudant", "CloudantDetector", "Cloudant credential"),
    "softlayer": ("softlayer", "SoftlayerDetector", "SoftLayer API key"),
    "ibm_cloud": ("ibm_cloud_iam", "IbmCloudIamDetector", "IBM Cloud API key"),
    "ibm-cloud": ("ibm_cloud_iam", "IbmCloudIamDetector", "IBM Cloud API key"),
    "ibmcloud": ("ibm_cloud_iam", "IbmCloudIamDetector", "IBM Cloud API key"),
    "ibm_iam": ("ibm_cloud_iam", "IbmCloudIamDetector", "IBM Cloud API key"),
    "ibm_cos": ("ibm_cos_hmac", "IbmCosHmacDetector", "IBM object storage key"),
    "cos_hmac": ("ibm_cos_hmac", "IbmCosHmacDetector", "IBM object storage key"),
    "cos_secret": ("ibm_cos_hmac", "IbmCosHmacDetector", "IBM object storage key"),
    "artifactory": ("artifactory", "ArtifactoryDetector", "Artifactory credential"),
}
ANCHORS = tuple(_DETECTORS)
_LONG = re.compile(rb"[A-Za-z0-9_\-]{20,}")
_LONGEST_LINE = 1000


def worth_asking(line: bytes) -> bool:
    """Whether a line holds a string long enough for any of these keys."""
    return len(line) <= _LONGEST_LINE and _LONG.search(line) is not None


def near_word(word: str, line: str) -> Iterator[Found]:
    """What the detector of a vendor finds in a line that names it."""
    module, name, title = _DETECTORS[word]
    detector = _detector(module, name)
    if detector is None:
        return
    for value in detector.analyze_string(line):
        start = line.find(value)
        if value and start != -1:
            yield Found(title, start, start + len(value))


@cache
def _detector(module: str, name: str) -> Any:
    """A detector, or None where detect-secrets is not installed or has changed."""
    from importlib import import_module

    try:
        return getattr(import_module(f"detect_secrets.plugins.{module}"), name)()
    except (ImportError, AttributeError, TypeError):
        return None
