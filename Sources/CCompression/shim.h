#pragma once
#include <libdeflate.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

// A macro that Swift does not see: for gzip alone, whose checksum zlib then compares.
static inline int sb_gunzip_init(z_stream *stream) { return inflateInit2(stream, 15 + 16); }

static inline int sb_zstd_window_is_too_large(size_t result) {
    return ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge;
}
