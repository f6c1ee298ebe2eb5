// Overlay mounts.

#include "child.h"

#include <string.h>

#define OPTIONS_LENGTH 4096 // mount(2) reads one page
#define PATH_LENGTH 40

char *sb_append_number(char *end, uint64_t number) {
    char digits[SB_DIGITS];
    int count = 0;
    do digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (count > 0) *end++ = digits[--count];
    *end = 0;
    return end;
}

// A name for a directory that is short and has no character with a meaning in mount options. The descriptor stays open
// until execve closes it. The caller's /proc is still mounted here.
static int short_name(const char *directory, char name[PATH_LENGTH]) {
    int descriptor = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return -1;
    strcpy(name, "/proc/self/fd/");
    sb_append_number(name + strlen(name), (unsigned)descriptor);
    return 0;
}

static int configure_path(int context, const char *key, const char *directory) {
    char name[PATH_LENGTH];
    if (short_name(directory, name) != 0) return -1;
    return sb_fsconfig_string(context, key, name);
}

// The options that make the upper directory a plain difference; their defaults depend on how the kernel was built.
static int configure(const struct sb_child *child, int context, const struct sb_overlay *overlay) {
    if (overlay->upper != NULL) {
        if (configure_path(context, "upperdir", overlay->upper) != 0) return -1;
        if (configure_path(context, "workdir", overlay->work) != 0) return -1;
        if (!overlay->is_durable && sb_fsconfig_flag(context, "volatile") != 0) return -1;
    }
    if (child->configuration->isolation != SB_ISOLATION_FULL && sb_fsconfig_flag(context, "userxattr") != 0) {
        return -1;
    }
    // Not `off`, which still follows redirects where the kernel is built so, and which `userxattr` then refuses.
    if (sb_fsconfig_string(context, "redirect_dir", "nofollow") != 0) return -1;
    if (sb_fsconfig_string(context, "metacopy", "off") != 0) return -1;
    // Where layers are on several filesystems, `on` gives files inode numbers beyond 2^53, which programs misread.
    if (sb_fsconfig_string(context, "xino", "off") != 0) return -1;
    return sb_fsconfig_string(context, "index", "off");
}

int sb_overlay_detached(const struct sb_child *child, const struct sb_overlay *overlay) {
    int context = sb_fsopen("overlay");
    if (context < 0) return -1;
    int tree = -1;
    for (size_t index = 0; index < overlay->lower_count; index++) {
        char name[PATH_LENGTH];
        if (short_name(overlay->lower[index], name) != 0) goto out;
        if (sb_fsconfig_string(context, "lowerdir+", name) != 0) {
            // Before Linux 6.7 there is no `lowerdir+`; tell this from a directory that the kernel refuses.
            if (index == 0 && errno == EINVAL) errno = ENOSYS;
            goto out;
        }
    }
    if (configure(child, context, overlay) == 0 && sb_fsconfig_create(context) == 0) {
        tree = sb_fsmount(context, sb_nodev(child));
    }
out:
    sb_close(context);
    return tree;
}

static char *append(char *end, const char *limit, const char *text) {
    size_t length = strlen(text);
    if (end == NULL || end + length >= limit) return NULL;
    memcpy(end, text, length + 1);
    return end + length;
}

// The same by mount(2), whose options must fit one page: about 220 lower directories.
static int mount_classic(const struct sb_child *child, const struct sb_overlay *overlay, const char *target) {
    char options[OPTIONS_LENGTH], name[PATH_LENGTH];
    const char *limit = options + sizeof options;
    char *end = append(options, limit, "redirect_dir=nofollow,metacopy=off,index=off");
    if (child->configuration->isolation != SB_ISOLATION_FULL) end = append(end, limit, ",userxattr");
    if (overlay->upper != NULL) {
        if (short_name(overlay->upper, name) != 0) return -1;
        end = append(end, limit, overlay->is_durable ? ",upperdir=" : ",volatile,upperdir=");
        end = append(end, limit, name);
        if (short_name(overlay->work, name) != 0) return -1;
        end = append(append(end, limit, ",workdir="), limit, name);
    }
    for (size_t index = 0; index < overlay->lower_count; index++) {
        if (short_name(overlay->lower[index], name) != 0) return -1;
        end = append(append(end, limit, index == 0 ? ",lowerdir=" : ":"), limit, name);
    }
    if (end == NULL) {
        errno = E2BIG;
        return -1;
    }
    return sb_mount("overlay", target, "overlay", sb_nodev(child) != 0 ? MS_NODEV : 0, options);
}

const char *sb_overlay_place(const struct sb_overlay *overlay) {
    if (overlay->upper != NULL) return overlay->upper;
    return strncmp(overlay->lower[0], "/proc/self/fd/", 14) == 0 ? NULL : overlay->lower[0];
}

int sb_overlay_attached(const struct sb_child *child, const struct sb_overlay *overlay) {
    const char *target = sb_overlay_place(overlay);
    if (target == NULL) {
        errno = EINVAL;
        return -1;
    }
    int tree = sb_overlay_detached(child, overlay);
    if (tree < 0) {
        if (errno != ENOSYS || mount_classic(child, overlay, target) != 0) return -1;
        return open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    int place = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (place < 0 || sb_attach(tree, place) != 0) {
        sb_close(tree);
        tree = -1;
    }
    sb_close(place);
    return tree;
}
