-- What a feature computed for $as_of may see: one row a line, with returned lines marked.
--
-- An order is counted once: shops often report it from the browser and from the server, so of several events that bring
-- the same product in the same order the earliest counts. What other shards tell of their orders stands in
-- `returned_elsewhere` and `first_report`, which are empty where the whole history is read: see shards.py.
CREATE OR REPLACE TEMP TABLE visible AS
WITH seen AS (
    SELECT
        position, line, type, occurred_at,
        epoch_us(occurred_at) AS us,
        customer_id, product_id,
        TRY_CAST(quantity AS DECIMAL(18, 4)) AS quantity,
        price, order_id
    FROM known($as_of, $known_at, $position, $shard)
    WHERE home = $shard
),
returned_order AS (
    SELECT order_id FROM seen
    WHERE type = 'order_cancelled' OR (type = 'order_refunded' AND product_id IS NULL)
    UNION
    SELECT order_id FROM returned_elsewhere WHERE product_id IS NULL
),
returned_product AS (
    SELECT order_id, product_id FROM seen
    WHERE type = 'order_refunded' AND product_id IS NOT NULL
    UNION
    SELECT order_id, product_id FROM returned_elsewhere WHERE product_id IS NOT NULL
),
-- Most orders are reported by one event, so only of the others it is asked which report is the first.
several AS (
    SELECT order_id FROM seen
    WHERE type = 'order_completed'
    GROUP BY order_id
    HAVING min(position) <> max(position)
),
first_here AS (
    SELECT order_id, product_id, arg_min(position, (occurred_at, position)) AS position
    FROM seen
    WHERE type = 'order_completed'
      AND EXISTS (SELECT 1 FROM several WHERE several.order_id IS NOT DISTINCT FROM seen.order_id)
    GROUP BY order_id, product_id
)
SELECT
    seen.*,
    weight.weight,
    returned_order.order_id IS NOT NULL OR returned_product.order_id IS NOT NULL AS returned
FROM seen
LEFT JOIN weight USING (type)
LEFT JOIN returned_order ON returned_order.order_id = seen.order_id
LEFT JOIN returned_product
    ON returned_product.order_id = seen.order_id AND returned_product.product_id = seen.product_id
LEFT JOIN first_here
    ON first_here.order_id IS NOT DISTINCT FROM seen.order_id
    AND first_here.product_id IS NOT DISTINCT FROM seen.product_id
LEFT JOIN first_report
    ON first_report.order_id IS NOT DISTINCT FROM seen.order_id
    AND first_report.product_id IS NOT DISTINCT FROM seen.product_id
WHERE seen.type = 'order_completed'
  AND seen.position = coalesce(first_report.position, first_here.position, seen.position)
UNION ALL
SELECT seen.*, weight.weight, false
FROM seen
LEFT JOIN weight USING (type)
WHERE seen.type <> 'order_completed'
