-- Who ordered, and kept something of it, from $since until before $until, in microseconds since 1970.
SELECT DISTINCT customer_id
FROM visible
WHERE type = 'order_completed' AND product_id IS NOT NULL AND customer_id IS NOT NULL AND NOT returned
  AND us >= $since AND us < $until
ORDER BY customer_id
