"""A user's own schema, PostgreSQL's SQL as migrations hold it, read into tables that SQLite can keep.

Tables, enums, constraints, unique indexes, `language sql` functions and inserted rows are understood. What only a real
PostgreSQL can do (policies, triggers, plpgsql, views) is left out, and said so; a column of a type that is not known is
refused.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from sqlglot import TokenType, exp, parse_one, tokenize
from sqlglot.errors import SqlglotError

from harness.errors import ImplementationError
from harness.supabase.literals import Type
from harness.supabase.tables import Column, ForeignKey, Function, Schema, Table, Unique
from harness.supabase.translation import name_of, table_name, translated

SILENT = re.compile(
    r"(create\s+(or\s+replace\s+)?(policy|extension|schema|sequence|publication)|alter\s+(table\s.*\b(row\s+level\s+security"
    r"|owner|replica\s+identity)|publication|default\s+privileges|function|sequence|type\s.*owner|schema|policy)"
    r"|grant|revoke|comment|set|select|begin|commit|notify|drop\s+(?!table))\b",
    re.IGNORECASE | re.DOTALL,
)
"""Statements that change nothing which the stand-in reproduces anyway."""
ADD_VALUE = re.compile(
    r"alter\s+type\s+\"?([\w.]+)\"?\s+add\s+value\s+(?:if\s+not\s+exists\s+)?'((?:[^']|'')*)'\s*$", re.IGNORECASE
)
FUNCTION = re.compile(
    r"create\s+(?:or\s+replace\s+)?function\s+(?:public\.)?\"?(?P<name>\w+)\"?\s*\((?P<parameters>.*?)\)\s*"
    r"returns\s+(?P<returns>.+?)\s+(?:as|language|security|stable|volatile|immutable|set)\b",
    re.IGNORECASE | re.DOTALL,
)
BODY = re.compile(r"\$(\w*)\$(.*)\$\1\$", re.DOTALL)
_TYPES = {
    "UUID": "uuid",
    "TEXT": "text",
    "VARCHAR": "varchar",
    "CHAR": "char",
    "BOOLEAN": "boolean",
    "SMALLINT": "smallint",
    "INT": "integer",
    "BIGINT": "bigint",
    "DECIMAL": "numeric",
    "FLOAT": "real",
    "DOUBLE": "double",
    "TIMESTAMPTZ": "timestamptz",
    "TIMESTAMP": "timestamp",
    "DATE": "date",
    "TIME": "time",
    "JSON": "json",
    "JSONB": "jsonb",
    "SMALLSERIAL": "smallint",
    "SERIAL": "integer",
    "BIGSERIAL": "bigint",
}
logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of each statement that is left out here


def read_schema(text: str, source: str) -> Schema:
    """Raises ImplementationError where a table cannot be kept in SQLite; `source` is named in it."""
    reader = _Reader(source)
    reader.users()
    for statement in statements(text):
        reader.statement(statement)
    for later in reader.later:
        reader.function(later)
    return reader.schema


def statements(text: str) -> Iterator[str]:
    """The statements of a script."""
    try:
        tokens = tokenize(text, read="postgres")
    except SqlglotError as error:
        raise ImplementationError(f"the schema cannot be read as SQL: {error}") from error
    ends = [token for token in tokens if token.token_type is TokenType.SEMICOLON]
    cuts = [-1, *(token.start for token in ends), len(text)]
    for before, end in pairwise(cuts):
        statement = re.sub(r"^(\s|--[^\n]*\n|/\*.*?\*/)*", "", text[before + 1 : end], flags=re.DOTALL).strip()
        if statement and not statement.startswith("--"):
            yield statement


class _Reader:
    def __init__(self, source: str) -> None:
        self.schema = Schema()
        self.later: list[str] = []
        self._source = source

    def users(self) -> None:
        """The one table of Supabase's own that an application's tables refer to."""
        users = Table("auth.users")
        users.columns = {"id": Column("id", Type("uuid"), not_null=True), "email": Column("email", Type("text"))}
        users.uniques = [Unique("users_pkey", ("id",), is_primary=True)]
        self.schema.tables[users.name] = users

    def statement(self, text: str) -> None:
        if re.match(r"create\s+(or\s+replace\s+)?function", text, re.IGNORECASE):
            self.later.append(text)
            return
        matched = ADD_VALUE.match(text)
        if matched is not None:
            self._add_value(matched[1].lower().removeprefix("public."), matched[2])
            return
        if SILENT.match(text):
            return
        try:
            tree = parse_one(text, read="postgres")
        except SqlglotError:
            self._leave_out(text)
            return
        if isinstance(tree, exp.Create) and tree.kind == "TABLE" and isinstance(tree.this, exp.Schema):
            self._table(tree)
        elif isinstance(tree, exp.Create) and tree.kind == "TYPE" and isinstance(tree.expression, exp.DataType):
            labels = tuple(each.name for each in tree.expression.expressions)
            self.schema.enums[name_of(tree.this.this)] = labels
        elif isinstance(tree, exp.Drop) and tree.kind == "TABLE":
            for table in tree.args["tables"]:
                self.schema.tables.pop(table_name(table), None)
        elif isinstance(tree, exp.Create) and tree.kind == "INDEX":
            self._index(tree)
        elif isinstance(tree, exp.Alter) and table_name(tree.this) in self.schema.tables:
            self._alter(self.schema.tables[table_name(tree.this)], tree, text)
        elif isinstance(tree, exp.Insert):
            self._insert(tree, text)
        else:
            self._leave_out(text)

    def _add_value(self, enum: str, label: str) -> None:
        labels = self.schema.enums.get(enum, ())
        if label not in labels:
            self.schema.enums[enum] = (*labels, label)
        for table in self.schema.tables.values():
            for column in table.columns.values():
                if column.type.enum == enum:
                    column.type = replace(column.type, labels=self.schema.enums[enum])

    def _leave_out(self, text: str) -> None:
        self.schema.left_out.append(" ".join(text.split())[:80])

    def _table(self, tree: exp.Create) -> None:
        table = Table(table_name(tree.this.this))
        if table.name in self.schema.tables and tree.args.get("exists"):
            return
        self.schema.tables[table.name] = table
        for part in tree.this.expressions:
            if isinstance(part, exp.ColumnDef):
                self._column(table, part)
            else:
                self._constraint(table, part)

    def _column(self, table: Table, part: exp.ColumnDef) -> None:
        name = name_of(part.this)
        kind = part.args["kind"]
        column = Column(name, self.type(kind, f"{table.name}.{name}"), counts="SERIAL" in str(kind.this))
        column.not_null = column.counts
        table.columns[name] = column
        constraint_name = None
        for constraint in part.args.get("constraints") or ():
            constraint_name = name_of(constraint.this) if constraint.args.get("this") else None
            self._column_constraint(table, column, constraint.kind, constraint_name)

    def _column_constraint(self, table: Table, column: Column, kind: Any, name: str | None) -> None:
        if isinstance(kind, exp.NotNullColumnConstraint):
            column.not_null = not kind.args.get("allow_null")
        elif isinstance(kind, exp.DefaultColumnConstraint):
            column.default = translated(kind.this)
        elif isinstance(kind, exp.GeneratedAsIdentityColumnConstraint):
            column.counts = column.not_null = True
        elif isinstance(kind, exp.PrimaryKeyColumnConstraint):
            self._unique(table, (column.name,), name, is_primary=True)
        elif isinstance(kind, exp.UniqueColumnConstraint):
            self._unique(table, (column.name,), name)
        elif isinstance(kind, exp.CheckColumnConstraint):
            self._check(table, kind, name or f"{table.name}_{column.name}_check")
        elif isinstance(kind, exp.Reference):
            self._foreign(table, (column.name,), kind, name)
        else:
            raise self._refusal(f"{table.name}.{column.name}", kind.sql(dialect="postgres"))

    def _constraint(self, table: Table, part: Any) -> None:
        name = None
        if isinstance(part, exp.Constraint):
            name, part = name_of(part.this), part.expressions[0]
        if isinstance(part, exp.PrimaryKey):
            self._unique(table, _names(part.expressions), name, is_primary=True)
        elif isinstance(part, exp.UniqueColumnConstraint):
            self._unique(table, _names(part.this.expressions), name)
        elif isinstance(part, exp.CheckColumnConstraint):
            columns = {name_of(each.this) for each in part.find_all(exp.Column)}
            middle = f"_{columns.pop()}" if len(columns) == 1 else ""
            self._check(table, part, name or f"{table.name}{middle}_check")
        elif isinstance(part, exp.ForeignKey):
            self._foreign(table, _names(part.expressions), part.args["reference"], name)
        else:
            raise self._refusal(table.name, part.sql(dialect="postgres"))

    def _unique(self, table: Table, columns: tuple[str, ...], name: str | None, *, is_primary: bool = False) -> None:
        made = f"{table.name}_pkey" if is_primary else f"{table.name}_{'_'.join(columns)}_key"
        table.uniques.append(Unique(name or made, columns, is_primary))
        if is_primary:
            for column in columns:
                table.columns[column].not_null = True

    def _check(self, table: Table, kind: exp.CheckColumnConstraint, name: str) -> None:
        while name in table.checks:
            name += "1"
        table.checks[name] = translated(kind.this)

    def _foreign(self, table: Table, columns: tuple[str, ...], reference: exp.Reference, name: str | None) -> None:
        named = reference.this
        target = table_name(named.this if isinstance(named, exp.Schema) else named)
        if target not in self.schema.tables:
            raise self._refusal(f"{table.name}.{columns[0]}", f'references "{target}", which is not created before it')
        referenced = _names(named.expressions) if isinstance(named, exp.Schema) else ()
        referenced = referenced or self.schema.tables[target].primary_key
        actions = " ".join(str(each) for each in reference.args.get("options") or () if str(each).startswith("ON"))
        made = name or f"{table.name}_{'_'.join(columns)}_fkey"
        table.foreign.append(ForeignKey(made, columns, target, referenced, actions))

    def _index(self, tree: exp.Create) -> None:
        index = tree.this
        table = self.schema.tables.get(table_name(index.args["table"]))
        if not tree.args.get("unique"):
            return
        parameters = index.args["params"]
        columns = parameters.args["columns"]
        if table is None or not all(isinstance(each.this, exp.Column) for each in columns):
            self._leave_out(tree.sql(dialect="postgres"))
            return
        where = parameters.args.get("where")
        names = tuple(name_of(each.this.this) for each in columns)
        found = None if where is None else translated(where.this)
        table.uniques.append(Unique(name_of(index.this), names, where=found))

    def _alter(self, table: Table, tree: exp.Alter, text: str) -> None:
        for action in tree.args["actions"]:
            if isinstance(action, exp.ColumnDef):
                if name_of(action.this) not in table.columns:
                    self._column(table, action)
            elif isinstance(action, exp.AddConstraint):
                for part in action.expressions:
                    self._constraint(table, part)
            elif isinstance(action, exp.Drop) and action.kind == "COLUMN":
                self._drop(table, name_of(action.args["tables"][0].this), action.args["exists"])
            elif isinstance(action, exp.Drop) and action.kind == "CONSTRAINT":
                name = name_of(action.args["tables"][0].this)
                table.uniques = [each for each in table.uniques if each.name != name]
                table.foreign = [each for each in table.foreign if each.name != name]
                table.checks.pop(name, None)
            elif isinstance(action, exp.AlterColumn):
                self._alter_column(table.columns[name_of(action.this)], action)
            else:
                raise self._refusal(table.name, f'has "{" ".join(text.split())[:80]}"')

    def _drop(self, table: Table, column: str, if_exists: bool) -> None:
        """Drops a column with the constraints that are about it."""
        if column not in table.columns and if_exists:
            return
        if column not in table.columns:
            raise ImplementationError(f'{self._source}: there is no column "{column}" of {table.name} to drop')
        del table.columns[column]
        table.uniques = [each for each in table.uniques if column not in each.columns]
        table.foreign = [each for each in table.foreign if column not in each.columns]
        table.checks = {name: sql for name, sql in table.checks.items() if f'"{column}"' not in sql}

    def _alter_column(self, column: Column, action: exp.AlterColumn) -> None:
        if action.args.get("allow_null") is not None:
            column.not_null = not action.args["allow_null"]
        elif action.args.get("default") is not None:
            column.default = translated(action.args["default"])
        elif action.args.get("dtype") is not None:
            column.type = self.type(action.args["dtype"], column.name)
        elif action.args.get("drop"):
            column.default = None

    def _insert(self, tree: exp.Insert, text: str) -> None:
        target, values = tree.this, tree.expression
        if not (isinstance(target, exp.Schema) and isinstance(values, exp.Values)):
            self._leave_out(text)
            return
        names = _names(target.expressions)
        for row in values.expressions:
            plain = [_literal(each) for each in row.expressions]
            self.schema.rows.append((table_name(target.this), dict(zip(names, plain, strict=True))))

    def function(self, text: str) -> None:
        """A function whose body is SQL; others are left out."""
        matched, body = FUNCTION.match(text), BODY.search(text)
        if matched is None or body is None or not re.search(r"\blanguage\s+'?sql\b", text, re.IGNORECASE):
            self._leave_out(text)
            return
        name, returns = matched["name"].lower(), " ".join(matched["returns"].split())
        try:
            parameters = dict(self._parameter(each) for each in _split(matched["parameters"]))
            trees = [parse_one(each, read="postgres") for each in statements(body[2])]
            row = re.sub(r"^setof\s+|^public\.", "", re.sub(r"^setof\s+", "", returns, flags=re.I), flags=re.I).lower()
            returned = None
            if row not in self.schema.tables and row != "void":
                returned = self.type(exp.DataType.build(row, dialect="postgres", udt=True), name)
        except (SqlglotError, ImplementationError):
            self._leave_out(text)
            return
        written = [translated(tree, parameters, self._columns_in(tree), name) for tree in trees]
        self.schema.functions[name] = Function(
            name,
            parameters,
            returns,
            returned,
            row if row in self.schema.tables else None,
            returns.lower().startswith("setof"),
            written,
        )

    def _parameter(self, text: str) -> tuple[str, tuple[Type, str | None]]:
        declared, _, default = re.sub(r"\s+default\s+", "=", text, flags=re.IGNORECASE).partition("=")
        name, _, kind = declared.strip().partition(" ")
        found = self.type(exp.DataType.build(kind.strip(), dialect="postgres", udt=True), name)
        return name.lower().strip('"'), (found, translated(parse_one(default, read="postgres")) if default else None)

    def _columns_in(self, tree: Any) -> set[str]:
        tables = [self.schema.tables.get(table_name(each)) for each in tree.find_all(exp.Table)]
        return {column for table in tables if table is not None for column in table.columns}

    def type(self, kind: exp.DataType, where: str) -> Type:
        """The type for one of PostgreSQL's. Raises ImplementationError for one that is not known."""
        if kind.this is exp.DType.ARRAY:
            element = self.type(kind.expressions[0], where)
            return Type(element.name, element.length, element.scale, element.labels, element.enum, is_array=True)
        if kind.this is exp.DType.USERDEFINED:
            name = str(kind.args["kind"]).lower().replace('"', "").removeprefix("public.")
            if name == "citext":
                return Type("text")
            if name in self.schema.enums:
                return Type("enum", labels=self.schema.enums[name], enum=name)
            raise self._refusal(where, f"is of the type {name}")
        found = _TYPES.get(kind.this.value)
        if found is None:
            raise self._refusal(where, f"is of the type {kind.sql(dialect='postgres').lower()}")
        sizes = [int(each.name) for each in kind.expressions]
        return Type(found, sizes[0] if sizes else None, sizes[1] if len(sizes) > 1 else None)

    def _refusal(self, where: str, says: str) -> ImplementationError:
        return ImplementationError(
            f"{self._source}: {where} {says}, which the stand-in on SQLite does not know; "
            'with supabase.postgres = "postgresql://..." a real server keeps it'
        )


def _names(nodes: Any) -> tuple[str, ...]:
    return tuple(name_of(each if isinstance(each, exp.Identifier) else each.this) for each in nodes)


def _literal(node: Any) -> Any:
    node = node.this if isinstance(node, exp.Cast) else node
    if isinstance(node, exp.Null):
        return None
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    return node.name if isinstance(node, exp.Literal) else node.sql(dialect="postgres")


def _split(text: str) -> list[str]:
    return [each.strip() for each in re.split(r",(?![^()]*\))", text) if each.strip()]
