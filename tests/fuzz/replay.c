/* replay - runs a fuzz target over the files and folders given, so that the corpus is checked without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

static int one(const char *path)
{
	struct err err;
	autofree char *text = NULL;
	size_t len;
	if (file_read(path, (size_t)64 << 20, &text, &len, &err)) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	/* In a block of exactly its size, so that reading past the end is seen. */
	autofree uint8_t *copy = xmalloc(len);
	memcpy(copy, text, len);
	LLVMFuzzerTestOneInput(copy, len);
	return 0;
}

static int folder(const char *path, unsigned *n)
{
	int bad = 0;
	DIR *d = opendir(path);
	if (!d) {
		perror(path);
		return 1;
	}
	for (struct dirent *e; (e = readdir(d)) != NULL; ) {
		if (e->d_name[0] == '.')
			continue;
		autofree char *file = file_join(path, e->d_name);
		bad |= one(file);
		++*n;
	}
	closedir(d);
	return bad;
}

int main(int argc, char **argv)
{
	unsigned n = 0;
	int bad = 0;
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		struct stat st;
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) {
			bad |= folder(argv[i], &n);
		} else {
			bad |= one(argv[i]);
			n++;
		}
	}
	printf("%u inputs replayed\n", n);
	return bad;
}
