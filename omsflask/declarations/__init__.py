"""Lists as data, which knows no Flask, no request and no connection.

=======================  =====================================================================
:mod:`.services`         a list service: name, schema and filters; bound to a model
:mod:`.fields`           the fields that marshmallow lacks, and what a field shows
:mod:`.types`            the table of field types: every fact about each
:mod:`.sql_types`        the field types that a column's values can be read as
:mod:`.filters`          parameter, condition, order and OPTIONS entry in one object
:mod:`.lookups`          ``exact``, ``gt``, ``in``, ``icontains`` and the others, in one table
:mod:`.parameters`       one parameter of the query string, and the field that reads it strictly
:mod:`.validation`       what a text must be before a field reads it
:mod:`.binding`          a service's names to a model's columns, or one clear sentence
:mod:`.expressions`      SQL for what is shown of a column, whatever a row holds
:mod:`.cells`            a field and a SQL expression to what is selected and shown
:mod:`.shown`            what a field shows of a value, the same in every format
:mod:`.values`           a value as a column keeps it and compares it, and as a cursor keeps it
:mod:`.comparison`       by field type, what is bound to compare a value with a column
:mod:`.cursor_values`    by field type, how a cursor keeps a value, and back
:mod:`.introspection`    a service to its OPTIONS document
=======================  =====================================================================
"""
