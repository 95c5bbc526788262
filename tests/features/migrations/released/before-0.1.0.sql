-- The tables of the first months: fewer, a column less, indexes over less. Frozen.
CREATE TABLE event (position {serial}, "key" TEXT NOT NULL, type TEXT NOT NULL, occurred_at BIGINT NOT NULL, received_at BIGINT NOT NULL, user_id TEXT, anonymous_id TEXT, payload TEXT NOT NULL, UNIQUE ("key"));
CREATE INDEX event_of_anonymous ON event (anonymous_id, position);
CREATE INDEX event_of_user ON event (user_id, position);
CREATE TABLE decision (position {serial}, "key" TEXT NOT NULL, type TEXT NOT NULL, occurred_at BIGINT NOT NULL, received_at BIGINT NOT NULL, user_id TEXT, anonymous_id TEXT, payload TEXT NOT NULL, UNIQUE ("key"));
CREATE INDEX decision_of_anonymous ON decision (anonymous_id, position);
CREATE INDEX decision_of_user ON decision (user_id, position);
CREATE TABLE projection (name TEXT NOT NULL, position BIGINT NOT NULL, PRIMARY KEY (name));
CREATE TABLE identity_link (kind TEXT NOT NULL, id TEXT NOT NULL, user_id TEXT NOT NULL, since BIGINT NOT NULL, PRIMARY KEY (kind, id, user_id));
CREATE INDEX identity_link_of_user ON identity_link (user_id);
CREATE TABLE product (product_id {by_code_point} NOT NULL, payload TEXT NOT NULL, gone BOOLEAN NOT NULL, revision BIGINT NOT NULL, updated_at BIGINT NOT NULL, PRIMARY KEY (product_id));
CREATE INDEX product_of_revision ON product (revision);

INSERT INTO event ("key", type, occurred_at, received_at, user_id, anonymous_id, payload) VALUES ('m1', 'product_viewed', 1763802000000000, 1763802000100000, 'u1', 'a1', '{"product_id":"tea"}');
INSERT INTO event ("key", type, occurred_at, received_at, user_id, anonymous_id, payload) VALUES ('m2', 'order_completed', 1763802060000000, 1763802060100000, 'u1', NULL, '{"order_id":"o1","lines":[{"product_id":"tea","quantity":2}]}');
INSERT INTO decision ("key", type, occurred_at, received_at, user_id, anonymous_id, payload) VALUES ('d1', 'decision', 1763802120000000, 1763802120000000, 'u1', NULL, '{"action":"none","propensity":0.25}');
INSERT INTO projection VALUES ('identity', 2);
INSERT INTO identity_link VALUES ('anonymous', 'a1', 'u1', 1763802000000000);
INSERT INTO product VALUES ('tea', '{"product_id":"tea","title":"Grüner Tee 100 %"}', false, 7, 1763802000000000);
