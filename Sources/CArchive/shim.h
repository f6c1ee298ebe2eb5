// libarchive's two public headers; the entry-type constants are cast macros, which Swift cannot import.
#pragma once
#include <archive.h>
#include <archive_entry.h>
