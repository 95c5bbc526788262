-- Sums and counts of one row a product that anybody of a shard ever touched, which add up over shards to what is said of
-- the product: a customer is seen in one shard, and so is an order of a product. See customer.sql on ages and exact sums.
-- A weight is below 1,000, so DECIMAL(18, 15) holds it, which is added up as an integer.
WITH touched AS (
    SELECT *, epoch_us($as_of) - us AS age FROM visible WHERE product_id IS NOT NULL
),
bought AS (
    SELECT * FROM touched WHERE type = 'order_completed'
),
interest AS (
    SELECT
        product_id,
        sum(CAST(weight * pow(2, -age / (7 * 86400e6)) AS DECIMAL(18, 15))) AS popularity_7d,
        sum(CAST(weight * pow(2, -age / (30 * 86400e6)) AS DECIMAL(18, 15))) AS popularity_30d,
        sum(CAST(weight * pow(2, -age / (120 * 86400e6)) AS DECIMAL(18, 15))) AS popularity_120d,
        sum(CAST(weight AS DECIMAL(18, 15))) FILTER (age <= 7 * 86400000000) AS last_7d,
        sum(CAST(weight AS DECIMAL(18, 15))) FILTER (age <= 30 * 86400000000) AS last_30d
    FROM touched
    WHERE weight IS NOT NULL AND NOT returned
    GROUP BY product_id
),
lines AS (
    SELECT
        product_id,
        sum(price) FILTER (NOT returned) AS price_sum,
        count(price) FILTER (NOT returned) AS prices,
        count(*) FILTER (returned) AS returned_lines,
        count(*) AS lines
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
    SELECT product_id, count(*) AS buyers, count(*) FILTER (age <= 30 * 86400000000) AS buyers_30d
    FROM per_buyer
    GROUP BY product_id
),
repeats AS (
    SELECT product_id, count(DISTINCT customer_id) AS repeaters FROM gaps WHERE gap IS NOT NULL GROUP BY product_id
),
clicks AS (
    SELECT
        product_id,
        count(*) FILTER (type = 'product_viewed' AND age <= 90 * 86400000000) AS views_90d,
        count(*) FILTER (type = 'product_added' AND age <= 90 * 86400000000) AS adds_90d,
        max(us) FILTER (weight > 0 AND price IS NOT NULL) AS priced_us,
        max(age) AS oldest
    FROM touched
    GROUP BY product_id
),
-- Whole rows are compared of those alone that are of the latest moment: it costs ten times as much.
prices AS (
    SELECT
        product_id,
        arg_max(CAST(price AS DOUBLE), (us, position, line)) AS price_last,
        max((us, position, line)) AS price_last_at
    FROM touched
    JOIN clicks USING (product_id)
    WHERE us = priced_us AND weight > 0 AND price IS NOT NULL
    GROUP BY product_id
)
SELECT * EXCLUDE (priced_us)
FROM clicks
LEFT JOIN prices USING (product_id)
LEFT JOIN interest USING (product_id)
LEFT JOIN lines USING (product_id)
LEFT JOIN sales USING (product_id)
LEFT JOIN buyers USING (product_id)
LEFT JOIN repeats USING (product_id)
