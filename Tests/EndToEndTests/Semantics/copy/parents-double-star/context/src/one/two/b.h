src/one/two/b.h
