"""The stand-in's tables in SQLite, in memory, with PostgreSQL's types, defaults, constraints and errors."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from harness.errors import ImplementationError
from harness.supabase.databases import Called, Found, Row
from harness.supabase.errors import (
    NotReproduced,
    RestError,
    from_postgres,
    no_function,
    no_read_column,
    no_table,
    no_written_column,
    not_one_row,
)
from harness.supabase.literals import Type, kept, kept_text, shown, told
from harness.supabase.queries import Field, Preferences, Query, Selected, written_columns
from harness.supabase.schema import read_schema
from harness.supabase.sqlite_dialect import SqliteDialect
from harness.supabase.statements import Statement, add_order, add_where, quoted
from harness.supabase.tables import Column, Function, Schema, Table, Unique
from harness.supabase.translation import as_text, at_steps, install_functions


class SqliteDatabase:
    """Made from the text of the user's schema; `user` is a row of `auth.users`."""

    def __init__(self, schema: str, source: str, user: Mapping[str, Any]) -> None:
        self.schema: Schema = read_schema(schema, source)
        self.left_out = self.schema.left_out
        self._source = source
        self._user = user
        self._counts: dict[tuple[str, str], int] = {}

    async def open(self) -> None:
        """Raises ImplementationError where a constraint or a default is beyond SQLite."""
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA foreign_keys=ON")
        install_functions(self._connection)
        for table in self.schema.tables.values():
            self._create(table)
        rows = [("auth.users", {"id": self._user["id"], "email": self._user["email"]}), *self.schema.rows]
        for name, row in rows:
            try:
                await self.insert(name, [dict(row)], Query(), Preferences())
            except RestError as error:
                raise ImplementationError(f"{self._source}: a row of {name} is refused: {error.message}") from error

    async def close(self) -> None:
        self._connection.close()

    def _create(self, table: Table) -> None:
        parts = [quoted(each.name) + (" NOT NULL" if each.not_null else "") for each in table.columns.values()]
        for unique in table.uniques:
            if unique.where is None:
                kind = "PRIMARY KEY" if unique.is_primary else "UNIQUE"
                parts.append(f"CONSTRAINT {quoted(unique.name)} {kind} ({_listed(unique.columns)})")
        parts += [f"CONSTRAINT {quoted(name)} CHECK ({sql})" for name, sql in table.checks.items()]
        for foreign in table.foreign:
            target = f"{quoted(foreign.table)} ({_listed(foreign.referenced)})"
            parts.append(f"FOREIGN KEY ({_listed(foreign.columns)}) REFERENCES {target} {foreign.actions}")
        script = [f"CREATE TABLE {quoted(table.name)} ({', '.join(parts)})"]
        for index in table.uniques:
            if index.where is not None:
                where = f"{quoted(table.name)} ({_listed(index.columns)}) WHERE {index.where}"
                script.append(f"CREATE UNIQUE INDEX {quoted(index.name)} ON {where}")
        try:
            for sql in script:
                self._connection.execute(sql)
            for column in table.columns.values():
                self._default(table, column)
        except (sqlite3.Error, RestError) as error:
            raise ImplementationError(
                f'{self._source}: table "{table.name}" cannot be kept in SQLite: {error}; '
                'with supabase.postgres = "postgresql://..." a real server keeps it'
            ) from error
        self._counts.clear()

    # The four verbs

    async def select(self, table: str, query: Query, wanted: Preferences) -> Found:
        found = self._table(table)
        SqliteDialect(found).analyse(query)
        statement = Statement(f"SELECT * FROM {quoted(table)}")
        add_where(statement, query, SqliteDialect(found))
        total = None
        if wanted.counted:
            count = statement.sql.replace("SELECT *", "SELECT count(*)", 1)
            total = self._connection.execute(count, statement.parameters).fetchone()[0]
        add_order(statement, query, SqliteDialect(found))
        rows = self._connection.execute(statement.sql, statement.parameters).fetchall()
        return Found(_projected(found, [dict(row) for row in rows], query.select), total)

    async def insert(self, table: str, rows: list[Row], query: Query, wanted: Preferences) -> Found:
        found = self._table(table)
        names = written_columns(rows, query.columns)
        self._known(found, names)
        target = query.on_conflict or found.primary_key
        SqliteDialect(found).analyse(query)
        if wanted.resolution and target:
            _is_unique(found, target)
        written, inserted = [], 0
        with self._transaction():
            for row in rows:
                values = self._values(found, row, names, all_null=bool(query.columns) and not wanted.missing_default)
                is_new = not (wanted.resolution and target) or not self._is_there(found, target, values)
                answer = self._write(found, _insertion(found, names, target, wanted.resolution), values)
                written += answer
                inserted += is_new and len(answer)
            self._check(written, wanted)
        return Found(_projected(found, written, query.select), len(written), inserted)

    async def update(self, table: str, row: Row, query: Query, wanted: Preferences) -> Found:
        found = self._table(table)
        names = list(query.columns) or list(row)
        self._known(found, names)
        if not names:
            return Found([], 0)
        filters = self._filters(found, query)
        values = {name: kept(column.type, row.get(name)) for name, column in found.columns.items() if name in names}
        statement = Statement(f"UPDATE {quoted(table)} SET ")
        statement.add(", ".join(f"{quoted(name)} = ?" for name in values), *values.values())
        return self._change(found, statement, filters, query, wanted, values)

    async def delete(self, table: str, query: Query, wanted: Preferences) -> Found:
        found = self._table(table)
        statement = Statement(f"DELETE FROM {quoted(table)}")
        return self._change(found, statement, self._filters(found, query), query, wanted, {})

    def _filters(self, table: Table, query: Query) -> Statement:
        filters = Statement()
        SqliteDialect(table).analyse(query)
        add_where(filters, query, SqliteDialect(table))
        return filters

    def _first(self, table: Table, filters: Statement) -> Row | None:
        sql = f"SELECT * FROM {quoted(table.name)}{filters.sql} LIMIT 1"
        row = self._connection.execute(sql, filters.parameters).fetchone()
        return None if row is None else dict(row)

    def _change(
        self, table: Table, statement: Statement, filters: Statement, query: Query, wanted: Preferences, values: Row
    ) -> Found:
        statement.add(filters.sql + " RETURNING *", *filters.parameters)
        with self._transaction():
            changed = self._write(table, statement, {**(self._first(table, filters) or {}), **values})
            self._check(changed, wanted)
        return Found(_projected(table, changed, query.select), len(changed))

    async def call(self, function: str, arguments: Mapping[str, Any]) -> Called:
        found = self.schema.functions.get(function)
        if found is None and any(f"function {function}" in text.replace("public.", "") for text in self.left_out):
            raise NotReproduced(f"the function {function}, which SQLite cannot run")
        required = {name for name, (_, default) in found.parameters.items() if default is None} if found else set()
        if found is None or not required <= set(arguments) <= set(found.parameters):
            raise no_function(function, sorted(arguments))
        with self._transaction():
            rows = self._run(found, arguments)
        return _result(found, rows, self.schema.tables)

    async def all_rows(self, table: str) -> list[Row] | None:
        found = self.schema.tables.get(table)
        if found is None:
            return None
        rows = self._connection.execute(f"SELECT * FROM {quoted(table)}").fetchall()
        return _projected(found, [dict(row) for row in rows], (Selected(Field("*")),))

    # What they need

    def _table(self, name: str) -> Table:
        if name not in self.schema.tables:
            raise no_table(name, list(self.schema.tables))
        return self.schema.tables[name]

    def _known(self, table: Table, names: list[str]) -> None:
        for name in names:
            if name not in table.columns:
                raise no_written_column(table.name, name)

    def _values(self, table: Table, row: Row, names: list[str], *, all_null: bool) -> Row:
        """A whole row: what is given, what is not given as null or by its default."""
        values: Row = {}
        for column in table.columns.values():
            if column.name in row and column.name in names:
                values[column.name] = kept(column.type, row[column.name])
            elif column.name in names and all_null:
                values[column.name] = None
            else:
                values[column.name] = self._default(table, column)
        return values

    def _default(self, table: Table, column: Column) -> Any:
        if column.counts:
            count = self._counts.get((table.name, column.name), 0) + 1
            self._counts[table.name, column.name] = count
            return count
        if column.default is None:
            return None
        value = self._connection.execute(f"SELECT {column.default}").fetchone()[0]
        return kept_text(column.type, value) if isinstance(value, str) else kept(column.type, value)

    def _is_there(self, table: Table, target: tuple[str, ...], values: Row) -> bool:
        if any(name not in table.columns for name in target):
            return False
        where = " AND ".join(f"{quoted(name)} = ?" for name in target)
        sql = f"SELECT 1 FROM {quoted(table.name)} WHERE {where}"
        return self._connection.execute(sql, [values[name] for name in target]).fetchone() is not None

    def _write(self, table: Table, statement: Statement, values: Row) -> list[Row]:
        parameters = statement.parameters or (list(values.values()) if statement.sql.startswith("INSERT") else [])
        try:
            return [dict(row) for row in self._connection.execute(statement.sql, parameters).fetchall()]
        except sqlite3.Error as error:
            raise self._refused(table, values, str(error), is_new=statement.sql.startswith("INSERT")) from error

    def _run(self, function: Function, arguments: Mapping[str, Any]) -> list[Row]:
        values: Row = {}
        for name, (kind, default) in function.parameters.items():
            if name in arguments:
                values[name] = kept(kind, arguments[name])
            else:
                given = self._connection.execute(f"SELECT {default}").fetchone()[0]
                values[name] = None if given is None else kept_text(kind, str(given))
        rows: list[Row] = []
        for sql in function.statements:
            try:
                rows = [dict(row) for row in self._connection.execute(sql, values).fetchall()]
            except sqlite3.IntegrityError as error:
                refused = self._refused(self.schema.tables.get(function.table or ""), values, str(error))
                raise replace(refused, details=None) from error  # which row it was is not known here
            except sqlite3.Error as error:
                raise NotReproduced(f"the function {function.name} on SQLite ({error})") from error
        return rows

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _check(self, rows: list[Row], wanted: Preferences) -> None:
        """What takes a write back when it is done."""
        if wanted.one_object and len(rows) != 1:
            raise not_one_row(len(rows))
        if wanted.affects_at_most is not None and len(rows) > wanted.affects_at_most:
            message = "Query result exceeds max-affected preference constraint"
            raise RestError(400, "PGRST124", message, f"The query affects {len(rows)} rows")

    def _first_taken(self, table: Table, values: Row) -> tuple[str, ...]:
        """PostgreSQL looks at a table's unique constraints in the order in which they were made."""
        whole = [each.columns for each in table.uniques if each.where is None]
        taken = [columns for columns in whole if self._is_there(table, columns, values)]
        partial = [each.columns for each in table.uniques if each.where is not None]
        return [*taken, *partial][0]

    def _refused(self, table: Table | None, values: Row, said: str, *, is_new: bool = False) -> RestError:
        """PostgreSQL's error for one of SQLite's."""
        kind, _, what = said.partition(" constraint failed")
        what = what.removeprefix(": ")
        if table is None:
            return from_postgres("23000", said)
        if kind == "UNIQUE":
            columns = tuple(each.rpartition(".")[2] for each in what.split(", "))
            return _not_unique(table, values, self._first_taken(table, values) if is_new else columns)
        if kind == "NOT NULL":
            name = what.rpartition(".")[2]
            message = f'null value in column "{name}" of relation "{table.name}" violates not-null constraint'
            return from_postgres("23502", message, _failing(table, values))
        if kind == "CHECK":
            message = f'new row for relation "{table.name}" violates check constraint "{what}"'
            return from_postgres("23514", message, _failing(table, values))
        if kind == "FOREIGN KEY":
            return self._no_relation(table, values)
        return from_postgres("XX000", said)

    def _no_relation(self, table: Table, values: Row) -> RestError:
        for foreign in table.foreign:
            given = [values.get(name) for name in foreign.columns]
            if None in given or not all(name in values for name in foreign.columns):
                continue
            where = " AND ".join(f"{quoted(name)} = ?" for name in foreign.referenced)
            sql = f"SELECT 1 FROM {quoted(foreign.table)} WHERE {where}"
            if self._connection.execute(sql, given).fetchone() is None:
                target = foreign.table.rpartition(".")[2]
                return from_postgres(
                    "23503",
                    f'insert or update on table "{table.name}" violates foreign key constraint "{foreign.name}"',
                    f'Key {_key(table, foreign.columns, values)} is not present in table "{target}".',
                )
        for other in self.schema.tables.values():
            for foreign in other.foreign:
                if foreign.table == table.name:
                    return from_postgres(
                        "23503",
                        f'update or delete on table "{table.name}" violates foreign key constraint "{foreign.name}" '
                        f'on table "{other.name}"',
                        f'Key ({", ".join(foreign.referenced)}) is still referenced from table "{other.name}".',
                    )
        return from_postgres("23503", f'a foreign key constraint of table "{table.name}" is violated')


def _is_unique(table: Table, target: tuple[str, ...]) -> None:
    """Raises RestError where an upsert's target is no unique constraint."""
    for name in target:
        if name not in table.columns:
            raise from_postgres("42703", f'column "{name}" does not exist')
    if not any(set(each.columns) == set(target) and each.where is None for each in table.uniques):
        message = "there is no unique or exclusion constraint matching the ON CONFLICT specification"
        raise from_postgres("42P10", message)


def _insertion(table: Table, names: list[str], target: tuple[str, ...], resolution: str | None) -> Statement:
    marks = ", ".join("?" * len(table.columns))
    sql = f"INSERT INTO {quoted(table.name)} ({_listed(table.columns)}) VALUES ({marks})"
    if resolution and target:
        sql += f" ON CONFLICT ({_listed(target)}) DO "
        sets = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in names)
        sql += f"UPDATE SET {sets}" if resolution == "merge-duplicates" and sets else "NOTHING"
    return Statement(sql + " RETURNING *")


def _projected(table: Table, rows: list[Row], select: tuple[Selected, ...]) -> list[Row]:
    """Rows as JSON, with what was selected."""
    for item in select:
        if item.field.column != "*" and item.field.column not in table.columns:
            raise no_read_column(table.name, item.field.column)
    projected = []
    for row in rows:
        values: Row = {}
        for item in select:
            if item.field.column == "*":
                values |= {name: told(column.type, row[name]) for name, column in table.columns.items()}
            else:
                values[item.name] = _selected(table.columns[item.field.column].type, row, item)
        projected.append(values)
    return projected


def _selected(kind: Type, row: Row, item: Selected) -> Any:
    value = told(kind, row[item.field.column])
    if item.field.steps:
        value = at_steps(value, item.field.steps)
        value = as_text(value) if item.field.as_text else value
    if item.cast is None:
        return value
    if item.cast != "text":
        raise NotReproduced(f"the cast ::{item.cast}")
    return as_text(value)


def _result(function: Function, rows: list[Row], tables: Mapping[str, Table]) -> Called:
    if function.returned is None and function.table is None:
        return Called(None, is_void=True)
    if function.table is not None:
        values: list[Any] = _projected(tables[function.table], rows, (Selected(Field("*")),))
    else:
        assert function.returned is not None
        kind = function.returned
        values = [None if value is None else told(kind, value) for value in (next(iter(row.values())) for row in rows)]
    if function.is_set:
        return Called(values, is_set=True)
    return Called(values[0] if values else None)


def _not_unique(table: Table, values: Row, columns: tuple[str, ...]) -> RestError:
    made = Unique("_".join((table.name, *columns, "key")), columns)
    constraint = next((each for each in table.uniques if set(each.columns) == set(columns)), made)
    return from_postgres(
        "23505",
        f'duplicate key value violates unique constraint "{constraint.name}"',
        f"Key {_key(table, constraint.columns, values)} already exists.",
    )


def _key(table: Table, columns: tuple[str, ...], values: Row) -> str:
    cells = [shown(table.columns[name].type, values.get(name)) for name in columns]
    return f"({', '.join(columns)})=({', '.join(cells)})"


def _failing(table: Table, values: Row) -> str:
    cells = [shown(column.type, values.get(column.name)) for column in table.columns.values()]
    return f"Failing row contains ({', '.join(cells)})."


def _listed(names: Any) -> str:
    return ", ".join(quoted(name) for name in names)
