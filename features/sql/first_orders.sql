-- What customers bought first, and how many of them ordered again within $within_us microseconds: one row a product of
-- at least $fewest such customers, and one with product_id NULL for all customers. First orders are those from $since
-- until before $until, in microseconds since 1970; of two orders of one moment the smaller id is the first.
WITH orders AS (
    SELECT customer_id, order_id, min(us) AS us
    FROM visible
    WHERE type = 'order_completed' AND product_id IS NOT NULL AND customer_id IS NOT NULL AND NOT returned
    GROUP BY customer_id, order_id
),
placed AS (
    SELECT
        *,
        row_number() OVER each_customer AS number,
        lead(us) OVER each_customer AS next_us
    FROM orders
    WINDOW each_customer AS (PARTITION BY customer_id ORDER BY us, order_id)
),
first AS (
    SELECT customer_id, order_id, coalesce(next_us - us <= $within_us, false) AS came_back
    FROM placed
    WHERE number = 1 AND us >= $since AND us < $until
),
bought AS (
    SELECT DISTINCT first.customer_id, visible.product_id, first.came_back
    FROM first
    JOIN visible USING (customer_id, order_id)
    WHERE visible.type = 'order_completed' AND visible.product_id IS NOT NULL AND NOT visible.returned
)
SELECT CAST(NULL AS VARCHAR) AS product_id, count(*) AS customers, count(*) FILTER (came_back) AS returned FROM first
UNION ALL
SELECT product_id, count(*) AS customers, count(*) FILTER (came_back) AS returned
FROM bought
GROUP BY product_id
HAVING count(*) >= $fewest
ORDER BY product_id NULLS FIRST
