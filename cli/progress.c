#include "cli/progress.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/say.h"
#include "base/str.h"

enum { MAX_LIVE = 10 };

struct live {
	char *address, *name, *type, *text;
	int percent;
	int64_t since;
};

struct progress {
	struct cli *c;
	size_t total, ended;
	int64_t started, drawn;
	int lines;                   /* live lines on the screen */
	VEC(struct live) live;
};

struct progress *progress_new(struct cli *c, size_t total)
{
	struct progress *p = xcalloc(1, sizeof(*p));
	p->c = c;
	p->total = total;
	p->started = clock_now_ms();
	return p;
}

static bool is_live(const struct progress *p)
{
	return p->c->moves && !p->c->json;
}

static void erase(struct progress *p)
{
	for (; p->lines > 0; p->lines--)
		fputs("\033[A\033[2K", p->c->err);
}

static void draw_bar(struct progress *p)
{
	enum { WIDE = 24 };
	char bar[WIDE + 1], left[48] = "";
	size_t full = p->total ? p->ended * WIDE / p->total : WIDE;
	for (size_t i = 0; i < WIDE; i++)
		bar[i] = i < full ? '=' : ' ';
	bar[WIDE] = '\0';
	int64_t spent = (clock_now_ms() - p->started) / 1000;
	if (p->ended && p->ended < p->total && spent > 5) {
		char t[32];
		text_seconds((long)(spent * (int64_t)(p->total - p->ended) / (int64_t)p->ended), t);
		snprintf(left, sizeof(left), ", about %s left", t);
	}
	fprintf(p->c->err, "  [%s] %zu of %zu%s\n", bar, p->ended, p->total, left);
	p->lines++;
}

static void draw(struct progress *p, bool force)
{
	int64_t now = clock_now_ms();
	if (!is_live(p) || (!force && now - p->drawn < 100))
		return;
	p->drawn = now;
	erase(p);
	for (size_t i = 0; i < p->live.len && i < MAX_LIVE; i++) {
		const struct live *l = &p->live.at[i];
		char done[16] = "", text[256];
		if (l->percent >= 0)
			snprintf(done, sizeof(done), "%3d %%", l->percent);
		int n = snprintf(text, sizeof(text), "  %-12s %-10s %5s  %s", l->name, l->type, done, l->text ? l->text : "");
		if (n >= p->c->width && p->c->width < (int)sizeof(text))
			text[p->c->width - 1] = '\0';
		fprintf(p->c->err, "%s\n", text);
		p->lines++;
	}
	if (p->live.len > MAX_LIVE) {
		fprintf(p->c->err, "  and %zu more\n", p->live.len - MAX_LIVE);
		p->lines++;
	}
	if (p->total)                /* of what an earlier run left open nobody knows the number yet */
		draw_bar(p);
	fflush(p->c->err);
}

static void begin_line(struct progress *p)
{
	char when[32];
	erase(p);
	if (!is_live(p)) {
		clock_stamp(clock_wall_ms(), when);
		fprintf(p->c->err, "%s ", when);
	}
}

void progress_line(struct progress *p, const char *fmt, ...)
{
	va_list ap;
	begin_line(p);
	va_start(ap, fmt);
	vfprintf(p->c->err, fmt, ap);
	va_end(ap);
	fputc('\n', p->c->err);
	draw(p, true);
}

static struct live *find(struct progress *p, const char *address)
{
	for (size_t i = 0; i < p->live.len; i++)
		if (strcmp(p->live.at[i].address, address) == 0)
			return &p->live.at[i];
	return NULL;
}

static void free_live(struct live *l)
{
	free(l->address);
	free(l->name);
	free(l->type);
	free(l->text);
}

static void end_of(struct progress *p, const char *address)
{
	struct live *l = find(p, address);
	p->ended++;
	if (!l)
		return;
	free_live(l);
	*l = p->live.at[--p->live.len];
}

static const char *name_of(const struct apply_note *n)
{
	return n->node ? n->node : n->address;
}

/* Who, what, WORD, then TEXT: wrapped on a terminal, elsewhere one line. */
static void tell(struct progress *p, const struct apply_note *n, enum paint how, const char *word, const char *text)
{
	FILE *to = p->c->err;
	begin_line(p);
	int at = fprintf(to, "  %-12s %s  ", name_of(n), n->type) + (int)strlen(word);
	fprintf(to, "%s%s%s", paint(p->c->color_err && how, how), word, paint(p->c->color_err && how, P_RESET));
	if (is_live(p) && at > 0)
		say_wrap(to, text, 4, (size_t)at, (size_t)p->c->width);
	else
		fprintf(to, " %s\n", text);
	draw(p, true);
}

static void note_json(struct progress *p, const struct apply_note *n)
{
	static const char *const names[] = {
		[EV_RESUMING] = "resuming", [EV_WAVE] = "wave", [EV_SOAK] = "soak", [EV_START] = "start",
		[EV_PROGRESS] = "progress", [EV_DONE] = "done", [EV_FAILED] = "failed", [EV_OPEN] = "open", [EV_UNMET] = "unmet", [EV_KEPT_BACK] = "kept_back",
	};
	autojson json_t *j = json_object();
	json_put_str(j, "event", names[n->event]);
	if (n->address)
		json_put_str(j, "address", n->address);
	if (n->node)
		json_put_str(j, "node", n->node);
	if (n->text)
		json_put_str(j, "text", n->text);
	if (n->event == EV_PROGRESS && n->percent >= 0)
		json_put_int(j, "percent", n->percent);
	if (n->event == EV_WAVE || n->event == EV_SOAK) {
		json_put_str(j, "group", n->group);
		json_put_int(j, "wave", n->wave);
		json_put_int(j, "waves", n->waves);
	}
	if (n->event == EV_SOAK)
		json_put_int(j, "seconds", n->seconds);
	autofree char *text = json_text(j);
	fprintf(p->c->out, "%s\n", text);
	fflush(p->c->out);
}

static void on_start(struct progress *p, const struct apply_note *n)
{
	vec_push(&p->live, (struct live){ .address = xstrdup(n->address), .name = xstrdup(name_of(n)), .type = xstrdup(n->type),
					  .percent = -1, .since = clock_now_ms() });
	draw(p, false);
}

static void on_progress(struct progress *p, const struct apply_note *n)
{
	struct live *l = find(p, n->address);
	if (!l)
		return;
	bool news = n->text && (!l->text || strcmp(l->text, n->text) != 0);
	l->percent = n->percent;
	if (news) {
		free(l->text);
		l->text = xstrdup(n->text);
	}
	if (is_live(p))
		draw(p, false);
	else if (news && n->percent < 0)
		progress_line(p, "  %-12s %s  %s", l->name, l->type, l->text);
}

static void on_done(struct progress *p, const struct apply_note *n)
{
	struct live *l = find(p, n->address);
	char took[32];
	text_seconds(l ? (long)((clock_now_ms() - l->since) / 1000) : 0, took);
	end_of(p, n->address);
	if (n->text && n->text[0]) {
		char word[64];
		snprintf(word, sizeof(word), "done in %s, but", took);
		tell(p, n, P_RESET, word, n->text);
	} else {
		progress_line(p, "  %-12s %s  done in %s", name_of(n), n->type, took);
	}
}

void progress_note(void *ctx, const struct apply_note *n)
{
	struct progress *p = ctx;
	char t[32];
	if (p->c->json) {
		note_json(p, n);
		return;
	}
	switch (n->event) {
	case EV_RESUMING:
		tell(p, n, P_RESET, "taken up again:", n->text ? n->text : "it was in flight");
		break;
	case EV_WAVE:
		progress_line(p, "Wave %u of %u of %s%s%s", n->wave, n->waves, n->group, n->text ? ": " : "", n->text ? n->text : "");
		break;
	case EV_SOAK:
		text_seconds((long)n->seconds, t);
		progress_line(p, "Wave %u done. Soaking %s.", n->wave, t);
		break;
	case EV_START: on_start(p, n); break;
	case EV_PROGRESS: on_progress(p, n); break;
	case EV_DONE: case EV_UNMET: on_done(p, n); break;
	case EV_FAILED:
		end_of(p, n->address);
		tell(p, n, P_RED, "failed:", n->text ? n->text : "no reason given");
		break;
	case EV_OPEN:
		end_of(p, n->address);
		tell(p, n, P_YELLOW, "open:", n->text ? n->text : "nobody knows yet how it ended");
		break;
	case EV_KEPT_BACK:
		end_of(p, n->address);
		draw(p, false);
		break;
	}
}

unsigned progress_running(const struct progress *p)
{
	return (unsigned)p->live.len;
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	erase(p);
	fflush(p->c->err);
	for (size_t i = 0; i < p->live.len; i++)
		free_live(&p->live.at[i]);
	vec_free(&p->live);
	free(p);
}
