// libyaml's parser, whose events have the place of each value.
#pragma once
#include <yaml.h>
