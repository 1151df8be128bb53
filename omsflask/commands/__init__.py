"""Commands, in any app with the extension: ``flask oms …``.

==================  ==========================================================================
:mod:`.cli`         the group, and ``init-db``
:mod:`.token`       ``token``: tokens issued, listed and revoked
:mod:`.load`        ``load``: files of customers, checked and stored
:mod:`.export`      ``export``: the service's files from the command line
:mod:`.forget`      ``forget``: a customer erased
:mod:`.letter_case` texts that differ in the case of their letters alone
:mod:`.faults`      errors of the database, as a sentence
:mod:`.files`       the files that commands write: rights, links, pipes
:mod:`.progress`    the progress bar of a command that works through rows
==================  ==========================================================================
"""
