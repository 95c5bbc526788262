-- How much there is to know of customers and products: one row.
WITH bought AS (
    SELECT customer_id, product_id, CAST(floor(us / 86400e6) AS BIGINT) AS day
    FROM visible
    WHERE type = 'order_completed' AND product_id IS NOT NULL AND customer_id IS NOT NULL AND NOT returned
),
people AS (SELECT customer_id, count(DISTINCT day) AS days FROM bought GROUP BY 1),
pairs AS (SELECT count(DISTINCT day) AS days FROM bought GROUP BY customer_id, product_id)
SELECT
    (SELECT count(DISTINCT customer_id) FROM visible WHERE customer_id IS NOT NULL) AS customers,
    (SELECT count(*) FROM people) AS buyers,
    (SELECT count(*) FROM people WHERE days >= 2) AS repeat_buyers,
    (SELECT count(*) FROM pairs WHERE days >= 3) AS periodic_pairs,
    (SELECT max(day) - min(day) + 1 FROM bought) AS days
