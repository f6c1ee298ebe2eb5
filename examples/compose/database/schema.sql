CREATE TABLE thought (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text text NOT NULL CHECK (text <> '')
);
