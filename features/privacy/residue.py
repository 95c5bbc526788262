"""What a deletion leaves behind in the files of the database, where the bytes of a row outlive the row."""

from sqlalchemy import Engine, inspect, text

from features.database import metadata


def settle(engine: Engine) -> None:
    """Bring what was deleted into the file and empty the write-ahead log; PostgreSQL may use the space again.

    On SQLite deleted rows are overwritten when they are deleted: `open_database` says so on every connection. On
    PostgreSQL the bytes stay in the file until something else is written there, and in the log of the server and its
    backups for as long as these are kept. Raises TimeoutError while a reader holds on to the write-ahead log.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        if busy:
            raise TimeoutError("a reader holds on to the write-ahead log; it is emptied when the reader is done")
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in metadata.tables.keys() & set(inspect(engine).get_table_names()):
            connection.execute(text(f'VACUUM "{table}"'))
