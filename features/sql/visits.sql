-- When each customer was there of their own accord: the latest moment of each hour in which they did something, once.
SELECT customer_id, max(us) AS us
FROM visible
WHERE customer_id IS NOT NULL AND type IN (SELECT type FROM activity)
GROUP BY customer_id, us // 3600000000
ORDER BY customer_id, us
