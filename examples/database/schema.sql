CREATE TABLE article (name TEXT PRIMARY KEY, price INTEGER NOT NULL CHECK (price > 0));
CREATE INDEX by_price ON article (price);
