"""Cells that hold no text: what each is to a field, or why it is nothing to it."""

from __future__ import annotations

from marshmallow import ValidationError


class Cell:
    """A cell that no field takes.

    :param reference: where it is, ``E2``.
    :param shown: what stands for it in a file of refused rows. What nothing can be read from is
        given back as an error, so that it is refused again until somebody mends it.
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
        """Return what is raised by who cannot take it."""
        return ValidationError(f"{self.reference} {reason}")
