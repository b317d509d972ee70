"""What a worker is told of one repository."""

from __future__ import annotations

from dataclasses import dataclass

from prodlint.fleet.sources import Source


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier run saw of a repository. rules: what it was checked with (`Job.rules`)."""

    state: str
    rules: str


@dataclass(frozen=True, slots=True)
class Job:
    """One repository to be checked, or a part of one.

    bundle: the digest of what the worker has to know of the organisation. own: of the prodlint that gave the job out. key: makes equal
    secrets equal in the dataset, and nothing else of them known. today: YYYY-MM-DD. timeout: seconds; memory: bytes, 0 for no limit. part: number of
    the part and how many there are. state: what the source must hold still, "" for whatever it holds. large: a repository with more files is not
    checked but told to be large; 0 for no limit.
    """

    source: Source
    bundle: str
    own: str
    key: bytes
    today: str = ""
    timeout: float = 0.0
    memory: int = 0
    known: Known | None = None
    part: tuple[int, int] = (0, 1)
    state: str = ""
    large: int = 0

    @property
    def rules(self) -> str:
        """What decides, beside what a repository holds, what is found in it: the rules, the organisation, and the key of its secrets."""
        from prodlint.fleet.organisation import digest

        return digest(f"{self.bundle} {self.own}".encode() + digest(self.key).encode())
