/* Open addressing over 64-bit keys; forgotten keys keep their slot until the next growth. */
#include "runtime/scheduler/model.h"

struct entry { uint64_t key; void *value; bool used; };
struct map { struct entry *at; size_t cap, len; };

static uint64_t mix(uint64_t k)
{
	k = (k ^ k >> 31) * 0x9e3779b97f4a7c15u;
	return k ^ k >> 32;
}

static struct entry *find(const struct map *m, uint64_t key)
{
	size_t i = mix(key) & (m->cap - 1);
	while (m->at[i].used && m->at[i].key != key)
		i = (i + 1) & (m->cap - 1);
	return &m->at[i];
}

struct map *map_new(void)
{
	struct map *m = xcalloc(1, sizeof(*m));
	m->cap = 64;
	m->at = xcalloc(m->cap, sizeof(*m->at));
	return m;
}

void map_free(struct map *m)
{
	if (m)
		free(m->at);
	free(m);
}

void *map_get(const struct map *m, uint64_t key)
{
	return find(m, key)->value;
}

static void grow(struct map *m)
{
	struct entry *old = m->at;
	size_t n = m->cap, live = 0;
	for (size_t i = 0; i < n; i++)
		live += old[i].value != NULL;
	while (m->cap < live * 4)
		m->cap *= 2;
	m->at = xcalloc(m->cap, sizeof(*m->at));
	m->len = live;
	for (size_t i = 0; i < n; i++)
		if (old[i].value)
			*find(m, old[i].key) = old[i];
	free(old);
}

void map_put(struct map *m, uint64_t key, void *value)
{
	struct entry *e = find(m, key);
	if (!e->used && value) {
		if (m->len * 2 >= m->cap) {
			grow(m);
			e = find(m, key);
		}
		*e = (struct entry){ key, NULL, true };
		m->len++;
	}
	if (e->used)
		e->value = value;
}
