"""The time between two columns, as each database counts it fastest."""

from typing import Any

from django.db.models import FloatField, Func


class Seconds(Func):
    """Seconds from one moment to another, as a number; NULL if one of them is."""

    output_field = FloatField()
    arity = 2
    template = "EXTRACT(EPOCH FROM (%(expressions)s))::double precision"
    arg_joiner = " - "

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Django's own difference calls Python for each row; this one is right to 0.1 ms."""
        later, earlier = self.source_expressions
        (later_sql, later_values), (earlier_sql, earlier_values) = map(compiler.compile, (later, earlier))
        sql = f"((julianday({later_sql}) - julianday({earlier_sql})) * 86400.0)"
        return sql, (*later_values, *earlier_values)


WORKED = Seconds("finished_at", "started_at")
WAITED = Seconds("started_at", "queued_at")
