#include "schemas/data.h"

#include <string.h>

/* One line in FILES per data file: a symbol and its name under schemas/. */
#define FILES(X) \
	X(crd_topology, "crds/fabrictopology.yaml") \
	X(crd_gang, "crds/gang.yaml") \
	X(crd_health, "crds/nodehealthpolicy.yaml") \
	X(crd_spares, "crds/sparepool.yaml") \
	X(conditions, "conditions.json") \
	X(handoff, "handoff.json") \
	X(language, "language.json") \
	X(mig, "mig.json") \
	X(quirks, "quirks.json") \
	X(test, "test.json") \
	X(topologies, "topologies.json") \
	X(xid, "xid.json")

#define EMBED(sym, name) \
	__asm__(".pushsection .rodata\n" \
		"data_" #sym "_start:\n.incbin \"schemas/" name "\"\n" \
		"data_" #sym "_end:\n.byte 0\n.popsection\n"); \
	extern const char data_##sym##_start[], data_##sym##_end[];
FILES(EMBED)

const char *data_file(const char *name, size_t *len)
{
#define ROW(sym, file) { file, data_##sym##_start, data_##sym##_end },
	static const struct { const char *name, *start, *end; } files[] = { FILES(ROW) };
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (strcmp(files[i].name, name) == 0) {
			*len = (size_t)(files[i].end - files[i].start);
			return files[i].start;
		}
	}
	return NULL;
}
