"""The check whether this program can work on a server as it is, and by the way that leads there."""

from collections.abc import Mapping

from sqlalchemy import Connection, Row

from src.domain.text import printable
from src.services.database.statements import sql

# Where a session has a setting from, as `pg_settings.source` names it, and what takes it away there.
_TAKEN_AWAY_BY = {
    "user": "ALTER ROLE {role} RESET default_transaction_read_only",
    "database user": "ALTER ROLE {role} IN DATABASE {database} RESET default_transaction_read_only",
    "database": "ALTER DATABASE {database} RESET default_transaction_read_only",
    "client": "take it out of PGOPTIONS",
}
_SEE_WHERE = "SELECT sourcefile, sourceline FROM pg_settings WHERE name = 'default_transaction_read_only'"


def server_fault(connection: Connection, settings: Mapping[str, str], *, writes: bool = True) -> str | None:
    """Returns what keeps this program from working on the server, in one line that says what to do, or None.

    `settings`: what the transaction has begun by setting. Call it in the transaction.
    """
    facts = connection.execute(sql("server_facts")).one()
    if facts.encoding != "UTF8":
        return (
            f"the database {printable(facts.database)} has the encoding {facts.encoding}; courses need UTF8: CREATE"
            " DATABASE learningdb ENCODING 'UTF8' TEMPLATE template0, and name it in DB_NAME"
        )
    return _unheeded(connection, settings) or (_no_writer(connection, facts) if writes else None)


def _unheeded(connection: Connection, settings: Mapping[str, str]) -> str | None:
    found = connection.execute(sql("settings_in_force"), {"names": list(settings)}).all()
    other = [f"{name} is '{value}', not '{settings[name]}'" for name, value in found if value != settings[name]]
    if not other:
        return None
    return (
        f"what a transaction begins by setting is not in force: {printable(', '.join(other))}; something between here"
        " and PostgreSQL takes transactions apart: put the pooler into transaction mode or session mode, or connect to"
        " PostgreSQL itself"
    )


def _no_writer(connection: Connection, facts: Row[tuple[str, str, str, bool, bool, str]]) -> str | None:
    if facts.is_standby:
        return "the server is a standby, which takes no writes: name the primary in DB_HOST"
    if not facts.is_read_only:
        return None
    quote = connection.dialect.identifier_preparer.quote
    command = _TAKEN_AWAY_BY.get(facts.source, _SEE_WHERE)
    return printable(
        "everything is read-only for this role here (default_transaction_read_only):"
        f" {command.format(role=quote(facts.role), database=quote(facts.database))}; open sessions keep it,"
        " those of a pooler too (PgBouncer: RECONNECT)"
    )
