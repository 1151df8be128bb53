"""How a list is asked for, and how it is answered, over HTTP.

========================  ====================================================================
:mod:`.auth`              the token of a request, before anything else
:mod:`.negotiation`       the choice of a format for a request
:mod:`.parsers`           the query string to values, or a 400 that names the parameter
:mod:`.routes`            the rules of a blueprint, with the token first for every method
:mod:`.views`             what a GET does, step by step, and what OPTIONS does
:mod:`.responses`         ETag and 304, the headers of a file, a file streamed or spooled
:mod:`.bodies`            the pieces of a file, and what is given back at their end
:mod:`.links`             the addresses of a page's neighbours
:mod:`.error_handlers`    every error below the prefix, whoever raised it, as JSON
========================  ====================================================================
"""
