#ifndef SB_PLACES_H
#define SB_PLACES_H

#include "supervise.h"

// A path of the program that is being resolved.
struct place {
    struct sb_supervisor *supervisor;
    struct sb_call *call;
    char done[PATH_MAX]; // inside the root, without links
    char rest[2 * PATH_MAX];
    char path[PATH_MAX]; // what to open outside
    int links;
};

// find.c: where a path of the call leads: 1 to what is not in the root, 0 to what the kernel finds itself, -1 to
// nothing.
int sb_find_place(struct place *place, int directory, const char *path, int follow);
// find.c: what a link says, as the program may know it.
ssize_t sb_read_link(struct place *place, char *link);
// find.c: the part of a path of the caller's that is inside the root, or NULL.
const char *sb_inside(const struct sb_supervisor *supervisor, const char *path);

#endif
