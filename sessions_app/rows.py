"""Rows of a model by statements whose SQL is made once.

Django makes the SQL of a query anew each time, which is most of what a small query costs (0.3 of 0.4 ms). What
happens many times a second (an event, a subagent's next state) goes through here; everything else is ordinary
queries. The SQL comes from Django's own compiler and from the model's fields, so it follows the models.
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)
Converters = list[tuple[int, tuple[list[Callable[..., Any]], Any]]]


class Rows(Generic[M]):
    """The rows of one model. Neither signals nor `save` are involved."""

    def __init__(self, model: type[M]) -> None:
        self._model = model

    def get(self, key: Any, *, lock: bool = False) -> M | None:
        """Return the row with this primary key, or None.

        With `lock` it stays locked until the transaction ends, against changes but not against references.
        """
        return self._one(self._select_locked if lock else self._select, adapted(key))

    def insert(self, row: M) -> None:
        """Insert a row; a key that the database makes is not read back. Raises `IntegrityError`."""
        fields, statement = self._insert
        values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
        row._state.adding, row._state.db = False, connection.alias

    def update(self, values: Mapping[str, Any], condition: str, **known: Any) -> M | None:
        """Set columns of the one row that meets `condition` and return it as it is now; None if none does.

        `values` are by attribute name, as Python objects; `known` are what `condition` names as `%(name)s`.
        """
        found = self._run(f"{self._setting(values)} WHERE {condition} RETURNING {self._columns}", values, known)
        return None if found is None else self._loaded(list(found))

    def touch(self, values: Mapping[str, Any], condition: str, **known: Any) -> bool:
        """Set columns as `update` does, for who needs to know no more than whether a row moved."""
        return self._run(f"{self._setting(values)} WHERE {condition} RETURNING 1", values, known) is not None

    def _run(self, statement: str, values: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
        new = {f"new_{name}": self._by_name[name].get_db_prep_save(value, connection) for name, value in values.items()}
        with connection.cursor() as cursor:
            cursor.execute(statement, new | {name: adapted(value) for name, value in known.items()})
            return cursor.fetchone()

    def _setting(self, values: Mapping[str, Any]) -> str:
        pairs = (f"{self._quoted(self._by_name[name])} = %(new_{name})s" for name in values)
        return f"UPDATE {self._table} SET {', '.join(pairs)}"

    def _one(self, statement: str, key: Any) -> M | None:
        with connection.cursor() as cursor:
            cursor.execute(statement, [key])
            found = cursor.fetchone()
        return None if found is None else self._loaded(list(found))

    def _loaded(self, values: list[Any]) -> M:
        for place, (converters, column) in self._converters:
            for converter in converters:
                values[place] = converter(values[place], column, connection)
        return self._model.from_db(connection.alias, self._names, values)

    def _quoted(self, field: Any) -> str:
        return connection.ops.quote_name(field.column)

    @cached_property
    def _fields(self) -> list[Any]:
        return list(self._model._meta.concrete_fields)

    @cached_property
    def _names(self) -> list[str]:
        return [field.attname for field in self._fields]

    @cached_property
    def _by_name(self) -> dict[str, Any]:
        return {field.attname: field for field in self._fields}

    @cached_property
    def _table(self) -> str:
        return connection.ops.quote_name(self._model._meta.db_table)

    @cached_property
    def _columns(self) -> str:
        return ", ".join(map(self._quoted, self._fields))

    @cached_property
    def _select(self) -> str:
        return f"SELECT {self._columns} FROM {self._table} WHERE {self._quoted(self._model._meta.pk)} = %s"

    @cached_property
    def _select_locked(self) -> str:
        return self._select + (" FOR NO KEY UPDATE" if connection.features.has_select_for_no_key_update else "")

    @cached_property
    def _insert(self) -> tuple[list[Any], str]:
        made_by_us = [field for field in self._fields if not isinstance(field, models.AutoField)]
        columns = ", ".join(map(self._quoted, made_by_us))
        places = ", ".join(["%s"] * len(made_by_us))
        return made_by_us, f"INSERT INTO {self._table} ({columns}) VALUES ({places})"

    @cached_property
    def _converters(self) -> Converters:
        columns = [field.get_col(self._model._meta.db_table) for field in self._fields]
        compiler = self._model._default_manager.all().query.get_compiler(connection=connection)
        return list(compiler.get_converters(columns).items())


def adapted(value: Any) -> Any:
    """Return a value as this database's driver takes it."""
    if isinstance(value, uuid.UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value
