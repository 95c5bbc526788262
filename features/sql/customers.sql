-- Who ever touched a product, by their place in the table of customers.
CREATE OR REPLACE TEMP TABLE customer AS
SELECT customer_id, row_number() OVER (ORDER BY customer_id) - 1 AS place
FROM (SELECT DISTINCT customer_id FROM visible WHERE product_id IS NOT NULL AND customer_id IS NOT NULL)
