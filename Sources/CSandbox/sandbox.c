#include "CSandbox.h"
int sb_placeholder(void) { return 0; }
