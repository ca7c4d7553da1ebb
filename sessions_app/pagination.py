"""Cursor pages: stable while rows are added."""

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Newest rows first, 50 a page; `page_size` up to 200."""

    ordering = "-created_at"
    page_size_query_param = "page_size"
    max_page_size = 200


class MostRecentlyActive(NewestFirst):
    """Chat sessions, the one last talked in first."""

    ordering = "-last_activity_at"


class InOrder(NewestFirst):
    """Messages, oldest first."""

    ordering = "seq"
