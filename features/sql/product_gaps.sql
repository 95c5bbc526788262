-- How long after an order of a product its buyer ordered it again, in microseconds; NULL for the first of each buyer.
WITH purchases AS (
    SELECT product_id, customer_id, order_id, min(us) AS us
    FROM visible
    WHERE type = 'order_completed' AND product_id IS NOT NULL AND customer_id IS NOT NULL AND NOT returned
    GROUP BY ALL
)
SELECT
    product_id, customer_id,
    us - lag(us) OVER (PARTITION BY product_id, customer_id ORDER BY us, order_id) AS gap
FROM purchases
