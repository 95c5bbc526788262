-- The rows of the history that lie in a shard and may be known: read once, whose they are is asked of their ids then,
-- and of a device only where nobody has logged in.
SELECT
    position, line,
    enum_code(type) AS code,
    occurred_at, user_id,
    CASE WHEN user_id IS NULL THEN anonymous_id END AS anonymous_id,
    product_id, quantity, price, order_id
FROM history
WHERE in_time(
    occurred_at, received_at, position, getvariable('as_of'), getvariable('known_at'), getvariable('position')
)
