-- The row sqlite: makes a database of orders and asks it. The numbers are of a linear congruence, so the same everywhere.
PRAGMA journal_mode = delete;
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, region INTEGER);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, item TEXT, amount INTEGER, day INTEGER);

BEGIN;
WITH RECURSIVE n(i, x) AS (SELECT 1, 12345 UNION ALL
  SELECT i + 1, (x * 1103515245 + 12345) % 2147483648 FROM n WHERE i < 5000)
INSERT INTO customers SELECT i, printf('customer %05d', x % 100000), x / 65536 % 16 FROM n;
WITH RECURSIVE n(i, x) AS (SELECT 1, 54321 UNION ALL
  SELECT i + 1, (x * 1103515245 + 12345) % 2147483648 FROM n WHERE i < 100000)
INSERT INTO orders SELECT i, 1 + x / 256 % 5000, printf('item %04d', x / 1024 % 2000), x / 64 % 10000, x / 4096 % 365 FROM n;
COMMIT;
CREATE INDEX orders_by_customer ON orders (customer, day);
CREATE INDEX orders_by_item ON orders (item);

SELECT region, count(*), sum(amount) FROM orders JOIN customers ON customer = customers.id GROUP BY region ORDER BY region;
SELECT item, sum(amount) AS total FROM orders GROUP BY item ORDER BY total DESC, item LIMIT 20;
SELECT day % 7, max(amount), min(amount), sum(length(item)) FROM orders WHERE item LIKE '%7%' GROUP BY day % 7;
SELECT customer, day, amount, sum(amount) OVER (PARTITION BY customer ORDER BY day, id) AS so_far
  FROM orders WHERE customer % 50 = 7 ORDER BY customer, day, orders.id LIMIT 200;
SELECT count(*) FROM customers AS a JOIN customers AS b ON a.name = b.name AND a.id < b.id;

BEGIN;
UPDATE orders SET amount = amount + day WHERE customer % 3 = 0;
DELETE FROM orders WHERE day % 10 = 4;
COMMIT;
SELECT count(*), sum(amount), max(id) FROM orders;
VACUUM;
PRAGMA integrity_check;
