"""Tables, for an app that has none yet.

===================  =========================================================================
:mod:`.models`       mixins with the published columns and their indexes
:mod:`.tokens`       tokens: issued once, kept as a hash, verified, revoked
:mod:`.verifier`     a request's token: verified, remembered for some seconds
:mod:`.triggers`     stamps for what is written by hand in SQL
:mod:`.create`       the tables that are missing, created under a lock
:mod:`.staging`      rows by the thousand, by way of a temporary table
===================  =========================================================================
"""
