CREATE TABLE thought (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text text NOT NULL CHECK (text <> '')
);
INSERT INTO thought (text) VALUES ('A journey of a thousand miles begins with a single step'), ('Sleep on it');
