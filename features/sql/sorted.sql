-- What known.sql tells, of rows that were sorted out already, by which nothing is left to decide: see rows.sql.
CREATE OR REPLACE TEMP MACRO known(as_of, known_at, upto, shard) AS TABLE FROM sorted_row
