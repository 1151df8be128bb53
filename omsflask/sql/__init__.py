"""What is read, and when it is known to be unchanged. No Flask here, and no URL.

=====================  =======================================================================
:mod:`.connections`    the host's engine, and one snapshot to read from
:mod:`.selection`      what a query selects from a list: its statements
:mod:`.ordering`       the SQL of an order, and of what lies behind a row in it
:mod:`.cursors`        a position in an ordered selection, as text
:mod:`.plan`           which rows of a selection a page is made of
:mod:`.pagination`     the page that a query asks for, and its neighbours
:mod:`.counts`         how many rows, counted no more often than is worth it
:mod:`.bookmarks`      positions known by number, while nobody commits
:mod:`.row_formats`    the formats in which a page's rows come from the database
:mod:`.watermark`      the moment before which no change is on its way
:mod:`.replica`        the replica to read from, while it answers and shows enough
:mod:`.export`         whole selections, read from one snapshot
:mod:`.bulk`           rows as the engine itself writes them
=====================  =======================================================================
"""
