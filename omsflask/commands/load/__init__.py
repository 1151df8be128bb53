"""``load``: files of customers, checked by the schema that shows them.

==================  ============================================================================
:mod:`.command`     what is typed
:mod:`.runs`        batch after batch, and what is said at the end
:mod:`.sources`     the files: opened, told apart, and where one stands in them
:mod:`.csv`         and :mod:`.json`, :mod:`.xlsx`: a file to its rows
:mod:`.texts`       bytes to text
:mod:`.encodings`   in which they are likely
:mod:`.rows`        a row on its way
:mod:`.checking`    the schema, the other way round
:mod:`.invisible`   characters that nobody sees
:mod:`.identities`  which customer a row is, and whether it came before
:mod:`.storing`     added, changed or left
:mod:`.rejects`     what was refused, given back
==================  ============================================================================
"""

from .command import load

__all__ = ["load"]
