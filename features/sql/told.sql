-- What the orders of one shard have to tell the others: those that were returned, and which orders were reported.
SELECT DISTINCT
    type = 'order_completed' AS reported,
    hash(order_id) AS order_hash,
    home,
    CASE WHEN type <> 'order_completed' THEN order_id END AS order_id,
    CASE WHEN type = 'order_refunded' THEN product_id END AS product_id
FROM known($as_of, $known_at, $position, $shard)
WHERE type IN ('order_completed', 'order_cancelled', 'order_refunded')
