"""How many bytes the tables of a database take, with their indexes."""

from __future__ import annotations

from sqlalchemy import Engine, text

_POSTGRESQL = (
    "SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
_SQLITE = (
    "SELECT master.tbl_name, sum(CASE master.type WHEN 'table' THEN pgsize END),"
    " sum(CASE master.type WHEN 'index' THEN pgsize ELSE 0 END)"
    " FROM dbstat JOIN sqlite_master AS master ON master.name = dbstat.name GROUP BY master.tbl_name"
)


def sizes(engine: Engine) -> dict[str, tuple[int, int]]:
    """Return the bytes of each table and of its indexes, the largest first."""
    with engine.connect() as connection:
        rows = connection.execute(text(_POSTGRESQL if engine.dialect.name == "postgresql" else _SQLITE)).all()
    found = {name: (int(own or 0), int(indexes or 0)) for name, own, indexes in rows}
    return dict(sorted(found.items(), key=lambda one: -sum(one[1])))
