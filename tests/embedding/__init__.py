"""The service in other people's apps."""
