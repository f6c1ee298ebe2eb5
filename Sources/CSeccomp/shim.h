// libseccomp, which knows the numbers of system calls on every architecture.
#pragma once
#include <seccomp.h>
