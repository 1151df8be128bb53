"""The view, and all that it is made of."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from django.urls import path
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.filters import OrderingFilter
from rest_framework.generics import ListAPIView
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.serializers import ModelSerializer

from omsflask.standalone.sample_data import COLUMNS

from ..stacks import PATH
from .tables.models import Customer, Token


class TokenAuthentication(BaseAuthentication):
    """The token of a request, looked up by its hash."""

    def authenticate(self, request: Request) -> tuple[Any, Token]:
        """Return nobody, and the token."""
        key = request.headers.get("Authorization", "").removeprefix("Token ")
        token = Token.objects.filter(digest=hashlib.sha256(key.encode()).hexdigest()).first()
        if token is None:
            raise AuthenticationFailed
        return None, token

    def authenticate_header(self, _request: Request) -> str:
        """Return what 401 asks for."""
        return "Token"


class CustomerSerializer(ModelSerializer):
    """What is shown of a customer."""

    class Meta:
        model = Customer
        fields = tuple("channel" if it == "channel_id" else it for it in COLUMNS)


class Pagination(PageNumberPagination):
    """Pages of ten, or of as many as asked for."""

    page_size = 10
    page_size_query_param = "limit"
    max_page_size = 1000


COMPARED = ("exact", "gt", "gte", "lt", "lte")


class CustomerList(ListAPIView):
    """The list."""

    authentication_classes = (TokenAuthentication,)
    queryset = Customer.objects.order_by("id")
    serializer_class = CustomerSerializer
    pagination_class = Pagination
    filter_backends = (DjangoFilterBackend, OrderingFilter)
    filterset_fields: ClassVar = {"id": COMPARED, "modified_date": COMPARED, "email": ("exact",)}
    ordering_fields = ("id", "modified_date")


urlpatterns = [path(PATH.removeprefix("/"), CustomerList.as_view())]
