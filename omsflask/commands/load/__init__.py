"""``load``: files of customers, checked by the schema that shows them.

==================  ============================================================================
:mod:`.command`     the command line
:mod:`.runs`        batch after batch, until the end or a fault
:mod:`.summary`     what became of the rows, to read and for scripts
:mod:`.sources`     the files: opened, told apart, and where one stands in them
:mod:`.csv`         and :mod:`.json`, :mod:`.xlsx`: a file to its rows
:mod:`.texts`       bytes to text
:mod:`.encodings`   in which they are likely
:mod:`.ahead`       rows that are read while others are written
:mod:`.cells`       cells that hold no text
:mod:`.rows`        a row on its way
:mod:`.checking`    the schema, the other way round
:mod:`.usual`       what the schema loads of values in their usual form
:mod:`.invisible`   characters that nobody sees
:mod:`.identities`  which customer a row is, and whether it came before
:mod:`.finding`     which stored customer a row is
:mod:`.storing`     added, changed or left
:mod:`.writing`     changes into the table, by the thousand or one by one
:mod:`.rejects`     what was refused, given back
==================  ============================================================================
"""

from .command import load

__all__ = ["load"]
