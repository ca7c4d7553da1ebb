"""Rows of a model by statements whose SQL is made once.

Django makes the SQL of a query anew each time, which is most of what a small query costs (0.3 of 0.4 ms).
What happens many times a second (an event, a subagent's next state) goes through here; everything else is
ordinary queries. The SQL is made of the model's fields, so it follows the models.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache, cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models

M = TypeVar("M", bound=models.Model)
Converters = list[tuple[int, tuple[list[Callable[..., Any]], Any]]]


class Rows(Generic[M]):
    """The rows of one model. Neither signals nor `save` are involved."""

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self._updates: dict[tuple[tuple[str, ...], str, str], str] = {}

    def get(self, key: Any) -> M | None:
        """Return the row with this primary key, or None."""
        return self._row(fetch_one(self._select, [adapted(key)]))

    def insert(self, row: M) -> None:
        """Insert a row; a key that the database makes is not read back. Raises `IntegrityError`."""
        fields, statement = self._insert
        connection = connections[DEFAULT_DB_ALIAS]
        values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
        run(statement, values)
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS

    def update(self, values: Mapping[str, Any], condition: str, **known: Any) -> M | None:
        """Set columns of the one row that meets `condition` and return it as it is now; None if none does.

        `values` are by attribute name, as Python objects; `known` are what `condition` names as `%(name)s`.
        """
        return self._row(self._set(values, condition, known, self.columns))

    def touch(self, values: Mapping[str, Any], condition: str, **known: Any) -> bool:
        """Set columns as `update` does, for who needs to know no more than whether a row moved."""
        return self._set(values, condition, known, "1") is not None

    def set_each(self, attribute: str, values: Mapping[Any, Any]) -> None:
        """Set one column of many rows, to a value for each by its key."""
        field, connection = self._by_name[attribute], connections[DEFAULT_DB_ALIAS]
        statement = f"UPDATE {self._table} SET {self._quoted(field)} = %s WHERE {self._key} = %s"
        pairs = [(field.get_db_prep_save(value, connection), adapted(key)) for key, value in values.items()]
        if pairs:
            with connection.cursor() as cursor:
                cursor.executemany(statement, pairs)

    def exists(self, condition: str, **known: Any) -> bool:
        """Whether a row meets `condition`, which names what is `known` as `%(name)s`."""
        parameters = {name: adapted(value) for name, value in known.items()}
        return fetch_one(f"SELECT 1 FROM {self._table} WHERE {condition} LIMIT 1", parameters) is not None

    def increment(self, attribute: str, key: Any) -> M | None:
        """Add 1 to a column of the row with this key and return it; it stays locked in this transaction."""
        column = self._quoted(self._by_name[attribute])
        statement = f"UPDATE {self._table} SET {column} = {column} + 1 WHERE {self._key} = %s"
        return self._row(fetch_one(f"{statement} RETURNING {self.columns}", [adapted(key)]))

    def loaded(self, row: Iterable[Any]) -> M:
        """Return what the database gave for `columns` as an object of the model."""
        values, connection = list(row), connections[DEFAULT_DB_ALIAS]
        for place, (converters, column) in self._converters:
            for converter in converters:
                values[place] = converter(values[place], column, connection)
        return self._model.from_db(DEFAULT_DB_ALIAS, self._names, values)

    @cached_property
    def columns(self) -> str:
        """All columns, for a SELECT in which their names are clear."""
        return ", ".join(map(self._quoted, self._fields))

    def _row(self, found: Any) -> M | None:
        return None if found is None else self.loaded(found)

    def _set(self, values: Mapping[str, Any], condition: str, known: Mapping[str, Any], returned: str) -> Any:
        connection = connections[DEFAULT_DB_ALIAS]
        parameters = {name: adapted(value) for name, value in known.items()}
        for name, value in values.items():
            parameters[f"new_{name}"] = self._by_name[name].get_db_prep_save(value, connection)
        return fetch_one(self._update(tuple(values), condition, returned), parameters)

    def _update(self, names: tuple[str, ...], condition: str, returned: str) -> str:
        key = (names, condition, returned)
        if key not in self._updates:
            pairs = ", ".join(f"{self._quoted(self._by_name[name])} = %(new_{name})s" for name in names)
            self._updates[key] = f"UPDATE {self._table} SET {pairs} WHERE {condition} RETURNING {returned}"
        return self._updates[key]

    def _quoted(self, field: Any) -> str:
        return connections[DEFAULT_DB_ALIAS].ops.quote_name(field.column)

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
        return connections[DEFAULT_DB_ALIAS].ops.quote_name(self._model._meta.db_table)

    @cached_property
    def _key(self) -> str:
        return self._quoted(self._model._meta.pk)

    @cached_property
    def _select(self) -> str:
        return f"SELECT {self.columns} FROM {self._table} WHERE {self._key} = %s"

    @cached_property
    def _insert(self) -> tuple[list[Any], str]:
        made_by_us = [field for field in self._fields if not isinstance(field, models.AutoField)]
        columns = ", ".join(map(self._quoted, made_by_us))
        places = ", ".join(["%s"] * len(made_by_us))
        return made_by_us, f"INSERT INTO {self._table} ({columns}) VALUES ({places})"

    @cached_property
    def _converters(self) -> Converters:
        columns = [field.get_col(self._model._meta.db_table) for field in self._fields]
        query = self._model._default_manager.all().query
        compiler = query.get_compiler(connection=connections[DEFAULT_DB_ALIAS])
        return list(compiler.get_converters(columns).items())


def run(statement: str, values: Any) -> None:
    """Run a statement that is run often."""
    _run(statement, values)


def fetch_one(statement: str, values: Any) -> Any:
    """Return the first row that a statement gives, or None."""
    return _run(statement, values).fetchone()


def fetch_all(statement: str, values: Any) -> list[Any]:
    """Return all rows that a statement gives."""
    return list(_run(statement, values).fetchall())


def _run(statement: str, values: Any) -> Any:
    """Run a statement straight through the driver, in Django's connection and transaction.

    Django's own cursor does the same with three layers around it, which for a small statement cost as much as
    the statement; it is used where somebody listens to it (query logs, wrappers).
    """
    connection: Any = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    if connection.execute_wrappers or connection.queries_logged:
        cursor = connection.cursor()
        cursor.execute(statement, values)
        return cursor
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors:
        return connection.run_often(statement, values)


def adapted(value: Any) -> Any:
    """Return a value as this database's driver takes it."""
    if isinstance(value, uuid.UUID):
        return value if _has_native_uuid() else value.hex
    if isinstance(value, datetime):
        return connections[DEFAULT_DB_ALIAS].ops.adapt_datetimefield_value(value)
    return value


@cache
def _has_native_uuid() -> bool:
    return connections[DEFAULT_DB_ALIAS].features.has_native_uuid_field
