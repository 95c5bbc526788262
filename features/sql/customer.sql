-- One row for each of the table `customer`, as known at $as_of; what they wanted last is asked for in latest.sql.
-- Ages are elapsed seconds, never calendar days.
-- Sums run over decimals and whole milliseconds, which add up to the same bits in whatever order they are read.
WITH bought AS (
    SELECT *, epoch_us($as_of) - us AS age
    FROM visible
    WHERE type = 'order_completed' AND product_id IS NOT NULL AND customer_id IS NOT NULL
),
orders AS (
    SELECT
        customer_id, order_id,
        min(us) AS us,
        max(age) AS age,
        count(DISTINCT product_id) AS products,
        coalesce(sum(price * quantity), 0) AS spend
    FROM bought
    WHERE NOT returned
    GROUP BY customer_id, order_id
),
gaps AS (
    SELECT customer_id, us // 1000 - lag(us // 1000) OVER (PARTITION BY customer_id ORDER BY us, order_id) AS gap
    FROM orders
),
cadence AS (
    SELECT
        customer_id,
        count(gap) AS n,
        sum(CAST(gap AS HUGEINT)) AS total,
        sum(CAST(gap AS HUGEINT) * gap) AS squares
    FROM gaps
    GROUP BY customer_id
),
value AS (
    SELECT
        customer_id,
        min(age) / 86400e6 AS recency_days,
        count(*) AS frequency,
        CAST(sum(spend) AS DOUBLE) AS monetary,
        count(*) FILTER (age <= 7 * 86400000000) AS orders_7d,
        count(*) FILTER (age <= 30 * 86400000000) AS orders_30d,
        count(*) FILTER (age <= 90 * 86400000000) AS orders_90d,
        count(*) FILTER (age <= 365 * 86400000000) AS orders_365d,
        CAST(sum(spend) FILTER (age <= 7 * 86400000000) AS DOUBLE) AS spend_7d,
        CAST(sum(spend) FILTER (age <= 30 * 86400000000) AS DOUBLE) AS spend_30d,
        CAST(sum(spend) FILTER (age <= 90 * 86400000000) AS DOUBLE) AS spend_90d,
        CAST(sum(spend) FILTER (age <= 365 * 86400000000) AS DOUBLE) AS spend_365d,
        sum(products) / count(*) AS basket_size_mean
    FROM orders
    GROUP BY customer_id
),
lines AS (
    SELECT
        customer_id,
        count(*) FILTER (returned) / count(*) AS return_share,
        CAST(sum(price) FILTER (NOT returned) AS DOUBLE) / nullif(count(price) FILTER (NOT returned), 0) AS price_mean
    FROM bought
    GROUP BY customer_id
),
hours AS (
    SELECT customer_id, ((us // 3600000000 + 72) % 168 + 168) % 168 AS hour, count(*) FILTER (begins) AS events
    FROM visible
    WHERE customer_id IS NOT NULL AND type IN (SELECT type FROM activity)
    GROUP BY ALL
),
active AS (
    SELECT customer_id, arg_min(hour, (-events, hour)) AS active_hour_of_week FROM hours GROUP BY customer_id
)
SELECT
    customer.customer_id,
    $as_of AS event_timestamp,
    $created AS created,
    recency_days,
    coalesce(frequency, 0) AS frequency,
    coalesce(monetary, 0) AS monetary,
    coalesce(orders_7d, 0) AS orders_7d,
    coalesce(orders_30d, 0) AS orders_30d,
    coalesce(orders_90d, 0) AS orders_90d,
    coalesce(orders_365d, 0) AS orders_365d,
    coalesce(spend_7d, 0) AS spend_7d,
    coalesce(spend_30d, 0) AS spend_30d,
    coalesce(spend_90d, 0) AS spend_90d,
    coalesce(spend_365d, 0) AS spend_365d,
    CASE WHEN n >= 1 THEN CAST(total AS DOUBLE) / n / 86400e3 END AS order_interval_mean_days,
    CASE WHEN n >= 2
        THEN sqrt(CAST(n * squares - total * total AS DOUBLE) / (CAST(n AS DOUBLE) * (n - 1))) / 86400e3
    END AS order_interval_std_days,
    basket_size_mean,
    return_share,
    price_mean,
    active_hour_of_week,
    CAST($position AS BIGINT) AS log_position,
    epoch_us($as_of) AS as_of_us,
    epoch_us($created) AS created_us
FROM customer
LEFT JOIN value USING (customer_id)
LEFT JOIN lines USING (customer_id)
LEFT JOIN cadence USING (customer_id)
LEFT JOIN active USING (customer_id)
ORDER BY customer.place
