-- The rows of the history that lie in a shard and may be known, with the person: read once, and asked again from a file.
SELECT position, line, type, occurred_at, customer_id, home, product_id, quantity, price, order_id
FROM known(getvariable('as_of'), getvariable('known_at'), getvariable('position'), getvariable('shard'))
