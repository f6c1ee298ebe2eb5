// The C library's extended attribute calls, which Swift's Glibc module leaves out.
#pragma once
#include <sys/xattr.h>
