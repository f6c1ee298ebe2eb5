// OpenSSL's SHA-256, which uses the processor's SHA extensions.
#pragma once
// The direct functions instead of EVP: EVP loads its configuration and its providers at the first digest and looks the
// algorithm up at each, which costs more than all else that a cached build does (docs/decisions/0006).
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
