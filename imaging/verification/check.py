"""What a verification finds out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Args:
        right: whether all is as the ledger says; None: nothing was compared, and this is a remark.
        text: what was looked at, or what differs.
    """

    right: bool | None
    text: str

    def __str__(self) -> str:
        return f"{ {True: 'ok', False: 'DIFFERS', None: ''}[self.right]:8} {self.text}"


def short(text: str) -> str:
    """The beginning of a hash, for messages."""
    return f"{text[:12]}…" if text else "none"
