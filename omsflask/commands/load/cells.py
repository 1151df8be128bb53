"""Cells that hold no text: the value that a field takes from each, or the reason against it."""

from __future__ import annotations

from marshmallow import ValidationError


class Cell:
    """A cell that no field takes.

    :param reference: where it is, ``E2``.
    :param shown: the text for it in a file of refused rows. A cell that cannot be read stands there
        as an error, and so is refused again until somebody corrects it.
    :param reason: why it is refused, after its name.
    :param is_empty: whether it looks empty.
    """

    __slots__ = ("is_empty", "reason", "reference", "shown")

    def __init__(self, reference: str, shown: str, reason: str, *, is_empty: bool = False) -> None:
        self.reference, self.shown, self.reason = reference, shown, reason
        self.is_empty = is_empty

    def __str__(self) -> str:
        return self.shown

    def text(self) -> str:
        """Return the text that the sheet shows.

        :raises ValidationError: where there is none.
        """
        raise self.refused(self.reason)

    def whole(self) -> str:
        """Return the number for a field of whole numbers."""
        raise self.refused(self.reason)

    def moment(self) -> str:
        """Return the moment, in ISO 8601."""
        raise self.refused(self.reason)

    def refused(self, reason: str) -> ValidationError:
        """Return the error with a reason."""
        return ValidationError(f"{self.reference} {reason}")
