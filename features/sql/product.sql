-- One row a product that anybody ever touched, as known at $as_of. See customer.sql on ages and on exact sums.
WITH touched AS (
    SELECT *, epoch_us($as_of) - us AS age FROM visible WHERE product_id IS NOT NULL
),
bought AS (
    SELECT * FROM touched WHERE type = 'order_completed'
),
interest AS (
    SELECT
        product_id,
        sum(CAST(weight * pow(2, -age / (7 * 86400e6)) AS DECIMAL(38, 15))) AS popularity_7d,
        sum(CAST(weight * pow(2, -age / (30 * 86400e6)) AS DECIMAL(38, 15))) AS popularity_30d,
        sum(CAST(weight * pow(2, -age / (120 * 86400e6)) AS DECIMAL(38, 15))) AS popularity_120d,
        sum(CAST(weight AS DECIMAL(38, 15))) FILTER (age <= 7 * 86400000000) AS last_7d,
        sum(CAST(weight AS DECIMAL(38, 15))) FILTER (age <= 30 * 86400000000) AS last_30d
    FROM touched
    WHERE weight IS NOT NULL AND NOT returned
    GROUP BY product_id
),
lines AS (
    SELECT
        product_id,
        CAST(sum(price) FILTER (NOT returned) AS DOUBLE) / nullif(count(price) FILTER (NOT returned), 0) AS price_mean,
        count(*) FILTER (returned) / count(*) AS return_share
    FROM bought
    GROUP BY product_id
),
-- Counting what is distinct per group of its own is four times as fast as several distinct counts of one group.
per_order AS (
    SELECT product_id, order_id, min(age) AS age FROM bought WHERE NOT returned AND order_id IS NOT NULL GROUP BY ALL
),
per_buyer AS (
    SELECT product_id, customer_id, min(age) AS age
    FROM bought
    WHERE NOT returned AND customer_id IS NOT NULL
    GROUP BY ALL
),
sales AS (
    SELECT
        product_id,
        count(*) FILTER (age <= 7 * 86400000000) AS orders_7d,
        count(*) FILTER (age <= 30 * 86400000000) AS orders_30d,
        count(*) FILTER (age <= 90 * 86400000000) AS orders_90d,
        count(*) FILTER (age <= 365 * 86400000000) AS orders_365d
    FROM per_order
    GROUP BY product_id
),
buyers AS (
    SELECT product_id, count(*) AS buyers_30d FROM per_buyer WHERE age <= 30 * 86400000000 GROUP BY product_id
),
clicks AS (
    SELECT
        product_id,
        count(*) FILTER (type = 'product_viewed' AND age <= 90 * 86400000000) AS views_90d,
        count(*) FILTER (type = 'product_added' AND age <= 90 * 86400000000) AS adds_90d,
        arg_max(CAST(price AS DOUBLE), (us, position, line)) FILTER (weight > 0 AND price IS NOT NULL) AS price_last,
        max(age) / 86400e6 AS first_seen_days
    FROM touched
    GROUP BY product_id
),
purchases AS (
    SELECT product_id, customer_id, order_id, min(us) AS us
    FROM bought
    WHERE NOT returned AND customer_id IS NOT NULL
    GROUP BY ALL
),
gaps AS (
    SELECT
        product_id, customer_id,
        us - lag(us) OVER (PARTITION BY product_id, customer_id ORDER BY us, order_id) AS gap
    FROM purchases
),
repeats AS (
    SELECT
        product_id,
        count(DISTINCT customer_id) FILTER (gap IS NOT NULL) / count(DISTINCT customer_id) AS repeat_share,
        median(gap) / 86400e6 AS repeat_interval_days
    FROM gaps
    GROUP BY product_id
)
SELECT
    clicks.product_id,
    $as_of AS event_timestamp,
    $created AS created,
    coalesce(buyers_30d, 0) AS buyers_30d,
    coalesce(orders_7d, 0) AS orders_7d,
    coalesce(orders_30d, 0) AS orders_30d,
    coalesce(orders_365d, 0) AS orders_365d,
    CAST(coalesce(popularity_7d, 0) AS DOUBLE) AS popularity_7d,
    CAST(coalesce(popularity_30d, 0) AS DOUBLE) AS popularity_30d,
    CAST(coalesce(popularity_120d, 0) AS DOUBLE) AS popularity_120d,
    ln((CAST(coalesce(last_7d, 0) AS DOUBLE) + 1) / (CAST(coalesce(last_30d, 0) AS DOUBLE) * 7 / 30 + 1)) AS trend,
    adds_90d / nullif(views_90d, 0) AS view_to_add,
    coalesce(orders_90d, 0) / nullif(views_90d, 0) AS view_to_order,
    price_last,
    price_mean,
    first_seen_days,
    return_share,
    repeat_share,
    repeat_interval_days
FROM clicks
LEFT JOIN interest USING (product_id)
LEFT JOIN sales USING (product_id)
LEFT JOIN buyers USING (product_id)
LEFT JOIN lines USING (product_id)
LEFT JOIN repeats USING (product_id)
ORDER BY clicks.product_id
