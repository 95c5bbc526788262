-- Rows of the history that may be known: with the person resolved, and `home`, the shard in which that person is seen.
-- reading.py registers `history` and `identity`; home is the shard itself of whoever stayed where the id belongs.
CREATE OR REPLACE TEMP MACRO in_time(occurred_at, received_at, position, as_of, known_at, upto) AS
    occurred_at < as_of AND (known_at IS NULL OR received_at <= known_at) AND position <= upto;

-- Of whatever has ids in the view `history`.
CREATE OR REPLACE TEMP MACRO resolved(shard) AS TABLE
SELECT
    history.*,
    CASE
        WHEN history.user_id IS NOT NULL THEN coalesce(by_user.customer_id, history.user_id)
        ELSE coalesce(by_device.customer_id, 'anonymous:' || history.anonymous_id)
    END AS customer_id,
    coalesce(CASE WHEN history.user_id IS NOT NULL THEN by_user.home ELSE by_device.home END, shard) AS home
FROM history
LEFT JOIN identity AS by_user ON by_user.kind = 'user' AND by_user.id = history.user_id
LEFT JOIN identity AS by_device ON by_device.kind = 'anonymous' AND by_device.id = history.anonymous_id
-- whoever is nobody's customer is left out: see features/privacy/personal.py
WHERE CASE WHEN history.user_id IS NOT NULL THEN by_user.customer_id ELSE by_device.customer_id END
    IS DISTINCT FROM '';

CREATE OR REPLACE TEMP MACRO known(as_of, known_at, upto, shard) AS TABLE
SELECT told.*, kind.weight
FROM resolved(shard) AS told
JOIN kind USING (type)
WHERE in_time(told.occurred_at, told.received_at, told.position, as_of, known_at, upto)
