-- Who wanted what, when and how much: the lines that count as interest, in the order in which they happened.
SELECT
    customer_id, product_id, CAST(type AS VARCHAR) AS type, occurred_at,
    us / 86400e6 AS day,
    weight,
    CAST(quantity AS DOUBLE) AS quantity,
    CAST(price AS DOUBLE) AS price,
    order_id,
    position
FROM visible
WHERE weight IS NOT NULL AND product_id IS NOT NULL AND customer_id IS NOT NULL AND NOT returned
  AND ($since IS NULL OR occurred_at >= $since)
ORDER BY visible.occurred_at, visible.position, visible.line
