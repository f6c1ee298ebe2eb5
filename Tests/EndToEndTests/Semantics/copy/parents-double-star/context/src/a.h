src/a.h
