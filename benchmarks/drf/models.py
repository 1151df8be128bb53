"""The tables of the standalone app."""

from django.db import models


class Customer(models.Model):
    """A customer."""

    created_date = models.DateTimeField()
    modified_date = models.DateTimeField()
    omnitron_id = models.IntegerField()
    email = models.EmailField()
    first_name = models.CharField(max_length=255, null=True)
    last_name = models.CharField(max_length=255, null=True)
    phone_number = models.CharField(max_length=128, null=True)
    erp_code = models.CharField(max_length=64, null=True)
    channel = models.IntegerField(db_column="channel_id", null=True)

    class Meta:
        managed = False
        db_table = "customers"


class Token(models.Model):
    """A token, by the hash of its key."""

    digest = models.CharField(max_length=64, primary_key=True)

    class Meta:
        managed = False
        db_table = "tokens"
