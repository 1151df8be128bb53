"""Reading: the rows, and the evidence that they are unchanged. No Flask here, and no URL.

=====================  =======================================================================
:mod:`.database`       the host's engine with its options, and one snapshot to read from
:mod:`.connections`    a driver's errors as SQLAlchemy's, and a lock
:mod:`.dialects`       the databases that are served
:mod:`.sessions`       text in UTF-8 and moments in ISO 8601, whatever a connection is set to
:mod:`.knowledge`      whether an answer that was read before still holds
:mod:`.query`          what a request asks of a list, complete
:mod:`.source`         the rows that a holder may see
:mod:`.conditions`     the filters of a query as WHERE, with their values
:mod:`.selection`      what a query selects from a list: its statements
:mod:`.names`          the names of the statements' parameters
:mod:`.ordering`       the SQL of an order, and of what lies behind a row in it
:mod:`.cursors`        a position in an ordered selection, as text
:mod:`.plan`           which rows a page is made of, and by which way they are found
:mod:`.pagination`     a page: planned, read, and counted anew if need be
:mod:`.counts`         counts, made no more often than is worth it, and bookmarks
:mod:`.row_formats`    the formats in which a page's rows come from the database
:mod:`.watermark`      the moment before which no change is on its way
:mod:`.replica`        the replica to read from, while it answers and shows enough
:mod:`.export`         whole selections, read from one snapshot
:mod:`.bulk`           rows as the engine itself writes them
=====================  =======================================================================
"""
