#include "base/lazylib.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

void *lazylib_symbol(struct lazylib *l, const char *name)
{
	void *at;
	if (!l->handle)
		l->handle = dlopen(l->soname, RTLD_NOW | RTLD_LOCAL);
	at = l->handle ? dlsym(l->handle, name) : NULL;
	if (!at) {
		const char *why = dlerror();
		fprintf(stderr, "aipc: %s cannot be loaded: %s\nInstall the package %s.\n", l->soname, why ? why : name, l->package);
		exit(1);
	}
	return at;
}
