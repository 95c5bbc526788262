-- What known.sql tells, of rows that were sorted out already, by which nothing is left to decide: see sorting.py.
CREATE OR REPLACE TEMP MACRO known(as_of, known_at, upto, shard) AS TABLE
SELECT sorted_row.*, kind.type, kind.weight FROM sorted_row JOIN kind USING (code)
