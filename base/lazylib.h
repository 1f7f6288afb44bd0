/* lazylib - a shared library that is loaded when it is first needed.
 *
 * libcurl brings some thirty further libraries into a process; loading them costs more time and memory than everything else
 * that a command such as `aipc version` or `aipc validate` does (measured: 7 of 11 ms). So it is not linked: for each function
 * in use, base/lazylib_NAME.c defines one of the same name, which calls the library's. Callers include the library's own
 * header and notice nothing; a function that is not there yet is an error of the linker. The names stay private to the
 * program (an executable exports nothing), so that the library's own calls are not caught. A variable of a library has no such
 * double: its address is asked for by name.
 */
#ifndef BASE_LAZYLIB_H
#define BASE_LAZYLIB_H

struct lazylib {
	const char *soname;          /* "libcurl.so.4" */
	const char *package;         /* for the message when it is missing: "libcurl4" */
	void *handle;
};

/* The address of function NAME; loads the library the first time and keeps it. One that cannot be loaded ends the program
 * with a message: the installation is broken, as it is for a linked one. */
void *lazylib_symbol(struct lazylib *l, const char *name);

/* Declares `fn`, a pointer to the library's function that has the name and the type of NAME. */
#define LAZYLIB_FN(lib, name) \
	static __typeof__(&(name)) fn; \
	if (!fn) \
		fn = (__typeof__(&(name)))lazylib_symbol(lib, #name)

/* A variable of libedit, "rl_readline_name". */
void *lazylib_edit_variable(const char *name);

#endif
