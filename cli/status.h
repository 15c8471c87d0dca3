#ifndef CLI_STATUS_H
#define CLI_STATUS_H
#include "builder/settings.h"
#include "builder/tree.h"
int status_print(const struct settings *s, const struct tree_filter *f, bool json, FILE *out, FILE *errors);
#endif
