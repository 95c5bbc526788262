-- One row a product that anybody ever touched, as known at $as_of: the parts of all shards added up.
WITH total AS (
    SELECT
        product_id,
        sum(popularity_7d) AS popularity_7d,
        sum(popularity_30d) AS popularity_30d,
        sum(popularity_120d) AS popularity_120d,
        sum(last_7d) AS last_7d,
        sum(last_30d) AS last_30d,
        sum(price_sum) AS price_sum,
        sum(prices) AS prices,
        sum(returned_lines) AS returned_lines,
        sum(lines) AS lines,
        CAST(coalesce(sum(orders_7d), 0) AS BIGINT) AS orders_7d,
        CAST(coalesce(sum(orders_30d), 0) AS BIGINT) AS orders_30d,
        CAST(coalesce(sum(orders_90d), 0) AS BIGINT) AS orders_90d,
        CAST(coalesce(sum(orders_365d), 0) AS BIGINT) AS orders_365d,
        CAST(coalesce(sum(buyers_30d), 0) AS BIGINT) AS buyers_30d,
        sum(buyers) AS buyers,
        coalesce(sum(repeaters), 0) AS repeaters,
        sum(views_90d) AS views_90d,
        sum(adds_90d) AS adds_90d,
        arg_max(price_last, price_last_at) AS price_last,
        max(oldest) AS oldest
    FROM product_part
    GROUP BY product_id
),
intervals AS (
    SELECT product_id, median(gap) / 86400e6 AS repeat_interval_days
    FROM product_gap
    GROUP BY product_id
)
SELECT
    product_id,
    $as_of AS event_timestamp,
    $created AS created,
    buyers_30d,
    orders_7d,
    orders_30d,
    orders_365d,
    CAST(coalesce(popularity_7d, 0) AS DOUBLE) AS popularity_7d,
    CAST(coalesce(popularity_30d, 0) AS DOUBLE) AS popularity_30d,
    CAST(coalesce(popularity_120d, 0) AS DOUBLE) AS popularity_120d,
    ln((CAST(coalesce(last_7d, 0) AS DOUBLE) + 1) / (CAST(coalesce(last_30d, 0) AS DOUBLE) * 7 / 30 + 1)) AS trend,
    adds_90d / nullif(views_90d, 0) AS view_to_add,
    orders_90d / nullif(views_90d, 0) AS view_to_order,
    price_last,
    CAST(price_sum AS DOUBLE) / nullif(prices, 0) AS price_mean,
    oldest / 86400e6 AS first_seen_days,
    returned_lines / lines AS return_share,
    repeaters / buyers AS repeat_share,
    repeat_interval_days
FROM total
LEFT JOIN intervals USING (product_id)
ORDER BY product_id
