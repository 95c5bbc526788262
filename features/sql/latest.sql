-- What each customer wanted, oldest first, by the place of the customer among those of `customer`.
SELECT customer.place, product_id, us / 86400e6 AS day, weight
FROM visible
JOIN customer USING (customer_id)
WHERE weight IS NOT NULL AND product_id IS NOT NULL AND NOT returned
ORDER BY customer.place, us, position, line
