#pragma once
#include <zlib.h>
#include <zstd.h>

// A macro that Swift does not see.
static inline int sb_deflate_init(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
}
