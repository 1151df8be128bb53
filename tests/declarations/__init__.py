"""Tests of the folder of that name."""
