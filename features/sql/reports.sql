-- The reports of orders that were reported under ids of people of more than one shard: shards.py registers `contested`.
SELECT DISTINCT order_id, product_id, occurred_at, position
FROM known($as_of, $known_at, $position, $shard)
WHERE type = 'order_completed' AND hash(order_id) IN (SELECT order_hash FROM contested)
