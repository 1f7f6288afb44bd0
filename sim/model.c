#include "sim/model.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/str.h"
#include "sim/fault.h"
#include "sim/power.h"
#include "sim/update.h"

enum { MAX_PATHS = 200000 };

/* Paths of requests, each once for the whole fleet. */
struct path_entry { UT_hash_handle hh; uint32_t number; char text[]; };
struct paths {
	struct path_entry *table;
	VEC(struct path_entry *) by_number;
};

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static void random_password(char out[33])
{
	static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

	for (int i = 0; i < 18; i++)
		out[i] = letters[clock_random_below(sizeof letters - 1)];
	strcpy(out + 18, "-9");
}

struct fleet *fleet_new(unsigned n, uint32_t base, double speed, uint64_t seed, const char *password)
{
	struct fleet *f = xcalloc(1, sizeof *f);

	f->n = n;
	f->base = base;
	f->speed = speed;
	f->seed = f->rng = seed;
	f->start_real = clock_now_ms();
	f->start_wall = clock_wall_ms();
	f->session_timeout = 1800;
	f->paths = xcalloc(1, sizeof *f->paths);
	if (password)
		snprintf(f->password, sizeof f->password, "%s", password);
	else
		random_password(f->password);
	f->bmcs = xcalloc(n ? n : 1, sizeof *f->bmcs);
	for (unsigned i = 0; i < n; i++) {
		struct bmc *b = &f->bmcs[i];

		b->fleet = f;
		b->index = i;
		b->power = POWER_ON;
		b->post_start = -86400 * INT64_C(1000);
		b->next_session = b->next_task = b->next_sub = b->next_event = 1;
		b->next_account = 2;
	}
	return f;
}

static void bmc_release(struct bmc *b)
{
	update_release(b);
	for (size_t i = 0; i < b->accounts.len; i++)
		free(b->accounts.at[i].password);
	for (size_t i = 0; i < b->images.len; i++)
		free(b->images.at[i].path);
	for (unsigned i = 0; b->items && i < firmware_count(); i++) {
		free(b->items[i].version);
		free(b->items[i].staged);
	}
	free(b->items);
	vec_free(&b->accounts);
	vec_free(&b->sessions);
	vec_free(&b->images);
	vec_free(&b->requests);
	json_decref(b->bios);
	json_decref(b->bios_pending);
	json_decref(b->delta);
	json_decref(b->subs);
}

void fleet_free(struct fleet *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->n; i++)
		bmc_release(&f->bmcs[i]);
	free(f->bmcs);
	HASH_CLEAR(hh, f->paths->table);
	for (size_t i = 0; i < f->paths->by_number.len; i++)
		free(f->paths->by_number.at[i]);
	vec_free(&f->paths->by_number);
	free(f->paths);
	fault_plan_free(f->faults);
	free(f);
}

struct bmc *fleet_at(struct fleet *f, struct in_addr local)
{
	uint32_t at = ntohl(local.s_addr);

	return at > f->base && at - f->base <= f->n ? &f->bmcs[at - f->base - 1] : NULL;
}

struct bmc *fleet_named(struct fleet *f, const char *name)
{
	char mine[16];
	unsigned number;

	if (sscanf(name, "gpu-%5u", &number) != 1 || number < 1 || number > f->n)
		return NULL;
	bmc_name(&f->bmcs[number - 1], mine);
	return strcmp(mine, name) == 0 ? &f->bmcs[number - 1] : NULL;
}

int64_t fleet_now(const struct fleet *f)
{
	return (int64_t)((double)(clock_now_ms() - f->start_real) * f->speed) + f->skipped;
}

int64_t fleet_now_client(const struct fleet *f)
{
	return clock_now_ms() - f->start_real + f->skipped;
}

int64_t fleet_wall(const struct fleet *f, int64_t sim_ms)
{
	/* The date a BMC shows is the real one, or TLS would break: simulated spans are shown at the client's scale. */
	return f->start_wall + (int64_t)((double)(sim_ms - f->skipped) / f->speed);
}

void fleet_skip(struct fleet *f, int64_t ms)
{
	f->skipped += ms;
}

unsigned fleet_client_seconds(const struct fleet *f, int64_t sim_ms)
{
	double s = (double)sim_ms / 1000 / f->speed;

	return s <= 1 ? 1 : s > 3600 ? 3600 : (unsigned)(s + 0.999);
}

uint64_t fleet_random(struct fleet *f)
{
	f->rng += 0x9e3779b97f4a7c15u;
	return mix(f->rng);
}

struct in_addr bmc_addr(const struct bmc *b)
{
	return (struct in_addr){ htonl(b->fleet->base + 1 + b->index) };
}

void bmc_name(const struct bmc *b, char out[16])
{
	snprintf(out, 16, "gpu-%04u", b->index + 1);
}

uint64_t bmc_hash(const struct bmc *b, const char *what)
{
	uint64_t h = mix(b->fleet->seed ^ mix(b->index + 1));

	for (const char *p = what; *p; p++)
		h = mix(h ^ (unsigned char)*p);
	return h;
}

void bmc_serial(const struct bmc *b, char out[24])
{
	snprintf(out, 24, "16610%08u", (unsigned)(bmc_hash(b, "serial") % 10000) * 10000 + b->index + 1);
}

void bmc_uuid(const struct bmc *b, const char *what, char out[37])
{
	uint64_t hi = bmc_hash(b, what), lo = mix(hi);

	snprintf(out, 37, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(hi >> 32), (unsigned)(hi >> 16) & 0xffff, (unsigned)hi & 0xfff,
		((unsigned)(lo >> 48) & 0x3fff) | 0x8000, (unsigned long long)lo & 0xffffffffffffu);
}

void bmc_settle(struct bmc *b)
{
	int64_t now = fleet_now(b->fleet);

	for (;;) {
		int64_t p = power_due(b), u = update_due(b);

		if (p > now && u > now)
			return;
		if (p <= u)
			power_play(b, p);
		else
			update_play(b, u);
	}
}

bool bmc_away(const struct bmc *b)
{
	return b->back_at != 0;
}

const json_t *bmc_delta(const struct bmc *b, const char *path, const char *prop)
{
	return json_at(json_at(b->delta, path), prop);
}

void bmc_set_delta(struct bmc *b, const char *path, const char *prop, const json_t *value)
{
	json_t *at;

	if (!b->delta)
		b->delta = json_object();
	at = json_object_get(b->delta, path);
	if (!at) {
		at = json_object();
		json_object_set_new(b->delta, path, at);
	}
	json_object_set_new(at, prop, json_ref(value));
}

static const char *const methods[] = { "GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OTHER" };

static uint32_t path_number(struct paths *p, const char *text)
{
	struct path_entry *e;
	size_t len;

	if (p->by_number.len >= MAX_PATHS)
		text = "(other)";
	len = strnlen(text, 512);
	HASH_FIND(hh, p->table, text, len, e);
	if (!e) {
		e = xcalloc(1, sizeof *e + len + 1);
		memcpy(e->text, text, len);
		e->number = (uint32_t)p->by_number.len;
		vec_push(&p->by_number, e);
		HASH_ADD_KEYPTR(hh, p->table, e->text, len, e);
	}
	return e->number;
}

void bmc_count(struct bmc *b, const char *method, const char *path)
{
	uint8_t m = 0;
	uint32_t p;

	b->fleet->requests++;
	while (m < ARRAY_LEN(methods) - 1 && strcmp(methods[m], method) != 0)
		m++;
	p = path_number(b->fleet->paths, b->requests.len < SIM_MAX_COUNTED ? path : "(other)");
	for (size_t i = 0; i < b->requests.len; i++) {
		if (b->requests.at[i].path == p && b->requests.at[i].method == m) {
			b->requests.at[i].count++;
			return;
		}
	}
	vec_push(&b->requests, (struct counted){ .path = p, .method = m, .count = 1 });
}

bool bmc_counted(const struct bmc *b, size_t i, const char **method, const char **path, unsigned *count)
{
	if (i >= b->requests.len)
		return false;
	*method = methods[b->requests.at[i].method];
	*path = b->fleet->paths->by_number.at[b->requests.at[i].path]->text;
	*count = b->requests.at[i].count;
	return true;
}

void bmc_saw_image(struct bmc *b, const char sha256[65], uint64_t size, const char *path)
{
	struct image_seen seen = { .size = size, .count = 1 };

	for (size_t i = 0; i < b->images.len; i++) {
		if (strcmp(b->images.at[i].sha256, sha256) == 0) {
			b->images.at[i].count++;
			return;
		}
	}
	if (b->images.len >= SIM_MAX_IMAGES)
		return;
	memcpy(seen.sha256, sha256, sizeof seen.sha256);
	seen.path = xstrndup(path, 512);
	vec_push(&b->images, seen);
}
