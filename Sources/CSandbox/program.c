// How a program is loaded that a traced process executes: what the kernel would find out, but inside the root.

#include "places.h"
#include "tracer.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define LARGEST_DEPTH 5 // of scripts that interpret scripts, as for the kernel

#if defined(__x86_64__)
#define NATIVE_MACHINE EM_X86_64
#define USUAL_HINT 0x555555554000ul
#else
#define NATIVE_MACHINE EM_AARCH64
#define USUAL_HINT 0ul
#endif

// Opens a program for reading, which its mode may not allow.
static int open_program(struct sb_supervisor *supervisor, struct sb_call *call, int directory, const char *path,
                        int follow) {
    char name[SB_DIGITS + 8];
    struct stat status;
    int file = sb_open_named(supervisor, call, directory, path, follow);
    if (file < 0) return -1;
    int opened = -1;
    errno = EACCES;
    if (fstatat(file, "", &status, AT_EMPTY_PATH) == 0) {
        if (S_ISLNK(status.st_mode)) errno = ELOOP;
        else if (S_ISREG(status.st_mode) && status.st_mode & 0111) {
            sb_name_file(file, name);
            opened = open(name, O_RDONLY | O_CLOEXEC);
            if (opened < 0 && errno == EACCES) return sb_open_anyway(file, O_RDONLY);
        }
    }
    sb_close(file);
    return opened;
}

static uint64_t page_size(void) {
    static uint64_t known;
    if (known == 0) known = (uint64_t)sysconf(_SC_PAGESIZE);
    return known;
}

static int add_part(struct sb_loaded *loaded, const Elf64_Phdr *header) {
    const uint64_t page = page_size(), mask = ~(page - 1);
    if (loaded->part_count == SB_LARGEST_PART_COUNT || header->p_memsz < header->p_filesz ||
        ((header->p_vaddr ^ header->p_offset) & (page - 1)) != 0) {
        errno = ENOEXEC;
        return -1;
    }
    struct sb_part *part = &loaded->parts[loaded->part_count++];
    const uint64_t begin = header->p_vaddr & mask, in_file = header->p_vaddr + header->p_filesz,
                   end = (header->p_vaddr + header->p_memsz + page - 1) & mask;
    part->address = begin;
    part->offset = header->p_offset & mask;
    part->length = header->p_filesz == 0 ? 0 : ((in_file + page - 1) & mask) - begin;
    part->protection = (header->p_flags & PF_R ? PROT_READ : 0) | (header->p_flags & PF_W ? PROT_WRITE : 0) |
                       (header->p_flags & PF_X ? PROT_EXEC : 0);
    part->rest = begin + part->length;
    part->rest_end = end;
    if (part->length > 0 && header->p_memsz > header->p_filesz && header->p_flags & PF_W) {
        part->zero = in_file;
        part->zero_end = part->rest;
    }
    if (loaded->low > begin) loaded->low = begin;
    if (loaded->high < end) loaded->high = end;
    return 0;
}

// Reads the headers of an ELF file; `interpreter` gets the path of what interprets it, if that is wanted.
static int read_program(int file, struct sb_load *load, int index, char interpreter[PATH_MAX]) {
    static Elf64_Phdr headers[64];
    struct sb_loaded *loaded = &load->files[index];
    Elf64_Ehdr header;
    errno = ENOEXEC;
    if (pread(file, &header, sizeof header, 0) != sizeof header) return -1;
    // Programs of 32 bits make other system calls.
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != NATIVE_MACHINE) return -1;
    if ((header.e_type != ET_EXEC && header.e_type != ET_DYN) || header.e_phentsize != sizeof headers[0]) return -1;
    const size_t size = header.e_phnum * sizeof headers[0];
    if (size > sizeof headers || pread(file, headers, size, (off_t)header.e_phoff) != (ssize_t)size) return -1;
    *loaded = (struct sb_loaded){.is_used = 1,
                                 .is_movable = header.e_type == ET_DYN,
                                 .hint = index == 0 ? USUAL_HINT : 0,
                                 .low = UINT64_MAX,
                                 .entry = header.e_entry};
    for (unsigned part = 0; part < header.e_phnum; part++) {
        const Elf64_Phdr *of = &headers[part];
        if (of->p_type == PT_LOAD && add_part(loaded, of) != 0) return -1;
        const uint64_t within = header.e_phoff - of->p_offset;
        if (of->p_type == PT_LOAD && header.e_phoff >= of->p_offset && within < of->p_filesz) {
            loaded->headers = of->p_vaddr + within;
        }
        if (of->p_type != PT_INTERP || interpreter == NULL) continue;
        errno = ENOEXEC;
        if (of->p_filesz < 2 || of->p_filesz > PATH_MAX) return -1;
        if (pread(file, interpreter, of->p_filesz, (off_t)of->p_offset) != (ssize_t)of->p_filesz) return -1;
        interpreter[of->p_filesz - 1] = 0;
    }
    if (loaded->part_count == 0) return -1;
    // What lies on no page of its own has its room below.
    if (loaded->is_movable && loaded->low != 0 && loaded->hint != 0) loaded->hint += loaded->low;
    if (index == 0) load->header_size = header.e_phentsize, load->header_count = header.e_phnum;
    return 0;
}

// Adds a text to those that are arguments, and its address: before the others.
static int add_prefix(struct sb_load *load, size_t *used, const char *text, size_t size) {
    if (load->prefix_count == SB_LARGEST_PREFIX_COUNT || *used + size + 1 > sizeof load->text) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(load->text + *used, text, size);
    load->text[*used + size] = 0;
    memmove(load->prefix + 1, load->prefix, load->prefix_count * sizeof load->prefix[0]);
    load->prefix[0] = SB_LOADER_DATA + offsetof(struct sb_load, text) + *used;
    load->prefix_count++;
    *used += size + 1;
    return 0;
}

// Reads the first line of a script: 1, with the program in `path` and its argument among those of `load`, or 0.
static int read_script(int file, struct sb_load *load, size_t *used, char path[PATH_MAX]) {
    char line[257];
    ssize_t length = pread(file, line, sizeof line - 1, 0);
    if (length < 2 || line[0] != '#' || line[1] != '!') return 0;
    line[length] = 0;
    size_t end = strcspn(line, "\n");
    const int is_whole = line[end] == '\n' || length < (ssize_t)sizeof line - 1;
    while (end > 2 && (line[end - 1] == ' ' || line[end - 1] == '\t')) end--;
    line[end] = 0;
    const char *start = line + 2 + strspn(line + 2, " \t");
    const size_t size = strcspn(start, " \t");
    const char *argument = start + size + strspn(start + size, " \t");
    errno = ENOEXEC;
    if (size == 0 || (!is_whole && start[size] == 0)) return -1;
    // The first script is an argument too.
    if (load->prefix_count == 0 && add_prefix(load, used, path, strlen(path)) != 0) return -1;
    if (*argument != 0 && add_prefix(load, used, argument, strlen(argument)) != 0) return -1;
    if (add_prefix(load, used, start, size) != 0) return -1;
    memcpy(path, start, size);
    path[size] = 0;
    return 1;
}

// What a process calls the program, as the kernel does it where a descriptor is given.
static void name_program(struct sb_call *call, const char *path, char called[PATH_MAX]) {
    const int directory = (int)call->arguments[0];
    if (call->number == SYS_execve || *path == '/' || directory == AT_FDCWD) strcpy(called, path);
    else if (*path == 0) snprintf(called, PATH_MAX, "/dev/fd/%d", directory);
    else if (snprintf(called, PATH_MAX, "/dev/fd/%d/%s", directory, path) >= PATH_MAX) called[0] = 0;
}

static int prepare(struct sb_supervisor *supervisor, struct sb_call *call, struct sb_load *load, int files[2]) {
    static char path[PATH_MAX], interpreter[PATH_MAX];
    const int is_at = call->number == SYS_execveat;
    const uint64_t flags = is_at ? call->arguments[4] : 0;
    size_t used = 0;
    int directory = is_at ? (int)call->arguments[0] : AT_FDCWD;
    if (sb_read_path(supervisor, call, call->arguments[is_at], path) != 0) return -1;
    errno = ENOENT;
    if (path[0] == 0 && !(flags & AT_EMPTY_PATH)) return -1;
    name_program(call, path, load->called);
    int follow = !(flags & AT_SYMLINK_NOFOLLOW);
    for (int depth = 0;; depth++) {
        files[0] = open_program(supervisor, call, directory, path, follow);
        if (files[0] < 0) return -1;
        if (depth == 0) strcpy(path, load->called);
        int is_script = read_script(files[0], load, &used, path);
        if (is_script < 0) return -1;
        if (is_script == 0) break;
        close(files[0]);
        files[0] = -1;
        directory = AT_FDCWD;
        follow = 1;
        errno = ELOOP;
        if (depth == LARGEST_DEPTH) return -1;
    }
    interpreter[0] = 0;
    if (read_program(files[0], load, 0, interpreter) != 0) return -1;
    if (interpreter[0] == 0) return 0;
    files[1] = open_program(supervisor, call, AT_FDCWD, interpreter, 1);
    return files[1] < 0 ? -1 : read_program(files[1], load, 1, NULL);
}

int sb_prepare_load(struct sb_supervisor *supervisor, struct sb_call *call, struct sb_load *load, int files[2]) {
    char name[SB_DIGITS + 8];
    memset(load, 0, offsetof(struct sb_load, text));
    files[0] = files[1] = -1;
    if (prepare(supervisor, call, load, files) != 0) {
        sb_close(files[0]);
        sb_close(files[1]);
        return -1;
    }
    const char *slash = strrchr(load->called, '/');
    snprintf(load->name, sizeof load->name, "%s", slash == NULL ? load->called : slash + 1);
    sb_name_file(files[0], name);
    ssize_t length = readlinkat(supervisor->proc, name, load->path, sizeof load->path - 1);
    load->path[length < 0 ? 0 : length] = 0;
    const char *inside = sb_inside(supervisor, load->path);
    if (inside != NULL) memmove(load->path, inside, strlen(inside) + 1);
    return 0;
}
