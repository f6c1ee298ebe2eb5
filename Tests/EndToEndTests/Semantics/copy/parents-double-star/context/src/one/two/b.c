src/one/two/b.c
