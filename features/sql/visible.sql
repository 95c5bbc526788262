-- What a feature computed for $as_of may see: the view `visible`, one row a line, with returned lines marked.
--
-- An order is counted once: shops often report it from the browser and from the server, so of several events that bring
-- the same product in the same order the earliest counts. What other shards tell of their orders stands in
-- `returned_elsewhere` and `first_report`, which are empty where the whole history is read: see shards.py.
--
-- Only of orders is anything to be decided, and they are few: all other rows are written down once, and seen as they are.
-- Ids are texts, or in a shard codes, which are ordered as the texts are.
CREATE OR REPLACE TEMP TABLE seen AS
SELECT
    position, line, type,
    epoch_us(occurred_at) AS us,
    customer_id, product_id, quantity, price, order_id, weight
FROM known($as_of, $known_at, $position, $shard)
WHERE home = $shard;

CREATE OR REPLACE TEMP TABLE ordered AS
WITH told AS (
    SELECT * FROM seen WHERE type IN ('order_completed', 'order_cancelled', 'order_refunded')
),
completed AS (
    SELECT * FROM told WHERE type = 'order_completed'
),
returned_order AS (
    SELECT order_id FROM told
    WHERE type = 'order_cancelled' OR (type = 'order_refunded' AND product_id IS NULL)
    UNION
    SELECT order_id FROM returned_elsewhere WHERE product_id IS NULL
),
returned_product AS (
    SELECT order_id, product_id FROM told
    WHERE type = 'order_refunded' AND product_id IS NOT NULL
    UNION
    SELECT order_id, product_id FROM returned_elsewhere WHERE product_id IS NOT NULL
),
-- Most orders are reported by one event, so only of the others it is asked which report is the first.
several AS (
    SELECT order_id FROM completed
    GROUP BY order_id
    HAVING min(position) <> max(position)
),
first_here AS (
    SELECT order_id, product_id, arg_min(position, (us, position)) AS position
    FROM completed
    WHERE EXISTS (SELECT 1 FROM several WHERE several.order_id IS NOT DISTINCT FROM completed.order_id)
    GROUP BY order_id, product_id
),
counted AS (
    SELECT completed.*
    FROM completed
    LEFT JOIN first_here
        ON first_here.order_id IS NOT DISTINCT FROM completed.order_id
        AND first_here.product_id IS NOT DISTINCT FROM completed.product_id
    LEFT JOIN first_report
        ON first_report.order_id IS NOT DISTINCT FROM completed.order_id
        AND first_report.product_id IS NOT DISTINCT FROM completed.product_id
    WHERE completed.position = coalesce(first_report.position, first_here.position, completed.position)
),
first_line AS (
    SELECT position, min(line) AS line FROM counted GROUP BY position
)
SELECT
    counted.*,
    returned_order.order_id IS NOT NULL OR returned_product.order_id IS NOT NULL AS returned,
    counted.line = first_line.line AS begins
FROM counted
JOIN first_line USING (position)
LEFT JOIN returned_order ON returned_order.order_id = counted.order_id
LEFT JOIN returned_product
    ON returned_product.order_id = counted.order_id AND returned_product.product_id = counted.product_id;

-- `begins` is true of one row of each event. What is computed of a row is not kept, as few ask for it.
CREATE OR REPLACE TEMP VIEW visible AS
WITH line AS (
    SELECT *, false AS returned, line = 0 AS begins FROM seen WHERE type <> 'order_completed'
    UNION ALL
    SELECT * FROM ordered
)
SELECT
    * REPLACE (TRY_CAST(quantity AS DECIMAL(18, 4)) AS quantity),
    make_timestamptz(us) AS occurred_at
FROM line
