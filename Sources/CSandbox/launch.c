#include "CSandbox.h"

int sb_launch(const struct sb_configuration *configuration, struct sb_process *process, struct sb_failure *failure) {
    return -1;
}
