"""The list as one writes it with Django REST framework, over the same tables."""
