-- Who bought and kept what: one row a line of a completed order, returned lines and repeated reports taken out.
SELECT
    customer_id, product_id,
    CAST(CAST(occurred_at AS DATE) - DATE '1970-01-01' AS INTEGER) AS day,
    CAST(quantity AS DOUBLE) AS quantity,
    CAST(price AS DOUBLE) AS price,
    order_id,
    occurred_at,
    position
FROM visible
WHERE type = 'order_completed' AND product_id IS NOT NULL AND customer_id IS NOT NULL AND NOT returned
ORDER BY visible.occurred_at, visible.position, visible.line
