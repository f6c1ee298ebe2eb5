a/b/.h
