#ifndef SB_PERFORM_H
#define SB_PERFORM_H

#include "places.h"

// What perform.c, change.c and sockets.c have in common.

static inline struct sb_answer sb_result_of(int64_t result) { return result < 0 ? SB_FAIL(errno) : SB_RETURN(result); }

// change.c: a change of a directory that takes the permission to write to it, which root has and its owner may not
// have.
struct sb_permission {
    int directory; // -1 where nothing is to be restored
    mode_t mode;
};
// change.c: whether trying again is of use, after an operation has failed with errno.
int sb_allow(struct sb_permission *permission, const struct sb_supervisor *supervisor, const struct sb_call *call,
             int directory);
// change.c: takes that back, and keeps errno.
void sb_restore(const struct sb_permission *permission);
// change.c: calls that change directories, and what files are like.
struct sb_answer sb_change(struct sb_supervisor *supervisor, struct sb_call *call);

#endif
