-- What a feature computed for $as_of may see: one row a line, with the person resolved and returned lines marked.
--
-- An order is counted once: shops often report it from the browser and from the server, so of several events that bring
-- the same product in the same order the earliest counts. compute.py registers `history`, `identity` and `weight`.
CREATE OR REPLACE TEMP TABLE visible AS
WITH seen AS (
    SELECT
        history.position, history.line, history.type, history.occurred_at,
        epoch_us(history.occurred_at) AS us,
        CASE
            WHEN history.user_id IS NOT NULL THEN coalesce(by_user.customer_id, history.user_id)
            ELSE coalesce(by_device.customer_id, 'anonymous:' || history.anonymous_id)
        END AS customer_id,
        history.product_id,
        TRY_CAST(history.quantity AS DECIMAL(18, 4)) AS quantity,
        history.price, history.order_id
    FROM history
    LEFT JOIN identity AS by_user ON by_user.kind = 'user' AND by_user.id = history.user_id
    LEFT JOIN identity AS by_device ON by_device.kind = 'anonymous' AND by_device.id = history.anonymous_id
    WHERE history.day <= CAST($as_of AS DATE)
      AND history.occurred_at < $as_of
      AND ($known_at IS NULL OR history.received_at <= $known_at)
      AND history.position <= $position
      -- whoever is nobody's customer is left out: see features/privacy/personal.py
      AND CASE WHEN history.user_id IS NOT NULL THEN by_user.customer_id ELSE by_device.customer_id END
          IS DISTINCT FROM ''
),
returned_order AS (
    SELECT DISTINCT order_id FROM seen
    WHERE type = 'order_cancelled' OR (type = 'order_refunded' AND product_id IS NULL)
),
returned_product AS (
    SELECT DISTINCT order_id, product_id FROM seen
    WHERE type = 'order_refunded' AND product_id IS NOT NULL
),
numbered AS (
    SELECT *, position <> first_value(position) OVER (
        PARTITION BY order_id, product_id ORDER BY occurred_at, position
    ) AS repeated
    FROM seen
    WHERE type = 'order_completed'
)
SELECT
    numbered.* EXCLUDE (repeated),
    weight.weight,
    returned_order.order_id IS NOT NULL OR returned_product.order_id IS NOT NULL AS returned
FROM numbered
LEFT JOIN weight USING (type)
LEFT JOIN returned_order ON returned_order.order_id = numbered.order_id
LEFT JOIN returned_product
    ON returned_product.order_id = numbered.order_id AND returned_product.product_id = numbered.product_id
WHERE NOT repeated
UNION ALL
SELECT seen.*, weight.weight, false
FROM seen
LEFT JOIN weight USING (type)
WHERE seen.type <> 'order_completed'
