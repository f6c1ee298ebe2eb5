// OpenSSL's EVP digests, the interface that uses the processor's SHA extensions.
#pragma once
#include <openssl/evp.h>
