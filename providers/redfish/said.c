/* What BMCs say: lenient JSON, messages, links. */
#include "providers/redfish/conn.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

enum { MESSAGES_MAX = 200, ANNOTATION_DEPTH = 4, PATH_MAX_BYTES = 1000, CLEAN_MAX = 300, OEM_DEPTH = 2 };

/* Length of the valid UTF-8 sequence at S (N bytes left), or 0. */
static size_t utf8_at(const unsigned char *s, size_t n)
{
	size_t want = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	if (!want || want > n)
		return 0;
	for (size_t i = 1; i < want; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return want;
}

/* Is the comma at I followed by a closing bracket (only blanks between)? */
static bool comma_trails(const char *text, size_t i, size_t len)
{
	for (i++; i < len && isspace((unsigned char)text[i]); i++)
		;
	return i < len && (text[i] == '}' || text[i] == ']');
}

/* TEXT with invalid bytes replaced, control characters in strings blanked and trailing commas left out. */
static void repair(const char *text, size_t len, struct str *out)
{
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		size_t n = utf8_at((const unsigned char *)text + i, len - i);
		if (!n) {
			str_add(out, in_string ? "\xef\xbf\xbd" : " ");
		} else if (n > 1) {
			str_addn(out, text + i, n);
			i += n - 1;
		} else if (in_string && c == '\\' && i + 1 < len) {
			bool known = text[i + 1] && strchr("\"\\/bfnrtu", text[i + 1]);
			str_add(out, known ? "\\" : "\\\\");
			if (known)
				str_addc(out, text[++i]);
		} else if (c < 0x20) {
			str_addc(out, ' ');
		} else if (!in_string && c == ',' && comma_trails(text, i, len)) {
			continue;
		} else {
			in_string ^= c == '"';
			str_addc(out, (char)c);
		}
	}
}

json_t *rf_parse(const char *text, size_t len)
{
	size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
	json_t *j;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	while (len && isspace((unsigned char)*text))
		text++, len--;
	if (!len || (*text != '{' && *text != '['))
		return NULL;
	j = json_loadb(text, len, flags, NULL);
	if (!j)
		j = json_loadb(text, len, flags | JSON_DECODE_INT_AS_REAL | JSON_DISABLE_EOF_CHECK, NULL);
	if (!j) {
		autostr struct str fixed = { 0 };
		str_init(&fixed, len * 3 + 16);
		repair(text, len, &fixed);
		j = json_loadb(fixed.at, fixed.len, flags | JSON_DISABLE_EOF_CHECK, NULL);
		if (!j)
			j = json_loadb(fixed.at, fixed.len, flags | JSON_DECODE_INT_AS_REAL | JSON_DISABLE_EOF_CHECK, NULL);
	}
	return j;
}

struct walk { void (*each)(void *, const json_t *); void *ctx; size_t left; };

static void give(struct walk *w, const json_t *messages)
{
	if (json_is_object(messages) && w->left) {
		w->left--;
		w->each(w->ctx, messages);
		return;
	}
	for (size_t i = 0; i < json_array_size(messages); i++)
		if (json_is_object(json_array_get(messages, i)))
			give(w, json_array_get(messages, i));
}

/* Annotations on members, as deep as settings go. */
static void annotations(struct walk *w, const json_t *obj, unsigned depth)
{
	size_t n = 0;
	autofree const char **keys = json_is_object(obj) ? json_keys(obj, &n) : NULL;

	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_at(obj, keys[i]);
		if (strstr(keys[i], "@Message.ExtendedInfo"))
			give(w, v);
		else if (json_is_object(v) && depth)
			annotations(w, v, depth - 1);
	}
}

const char *rf_message_id(const json_t *m)
{
	const char *id = json_str(m, "MessageId");

	return id ? id : json_str(m, "MessageID");
}

/* Jobs (Dell's, and the standard's) are themselves a message; their tasks carry the job under Oem. */
static void own_message(struct walk *w, const json_t *obj, unsigned depth)
{
	size_t n = 0;
	autofree const char **keys = json_is_object(obj) ? json_keys(obj, &n) : NULL;

	if (rf_message_id(obj) && json_str(obj, "Message"))
		give(w, obj);
	for (size_t i = 0; i < n && depth; i++)
		if (depth < OEM_DEPTH || strcmp(keys[i], "Oem") == 0)
			own_message(w, json_at(obj, keys[i]), depth - 1);
}

void rf_messages(const json_t *body, void (*each)(void *ctx, const json_t *message), void *ctx)
{
	struct walk w = { each, ctx, MESSAGES_MAX };

	annotations(&w, body, ANNOTATION_DEPTH);
	give(&w, json_at(body, "Messages"));
	give(&w, json_path(body, "@Redfish.Settings", "Messages", NULL));
	own_message(&w, body, OEM_DEPTH);
}

static int severity_of(const json_t *m)
{
	const char *s = json_str(m, "MessageSeverity");

	if (!s)
		s = json_str(m, "Severity");
	return !s ? 0 : strcasecmp(s, "Critical") == 0 ? 2 : strcasecmp(s, "Warning") == 0 ? 1 : 0;
}

struct pick { const json_t *best; int rank; };

static void pick_worst(void *ctx, const json_t *m)
{
	struct pick *p = ctx;
	const char *id = rf_message_id(m);
	int rank = severity_of(m) * 2 + 1 + (id && !quirk_id_is(id, "GeneralError") && !quirk_id_is(id, "Success"));

	if (!(json_str(m, "Message") && *json_str(m, "Message")) && !(id && *id))
		return;          /* some fill a message with empty words */
	if (rank > p->rank)
		*p = (struct pick){ m, rank };
}

/* Adds TEXT on one line, at most 300 bytes, without the final full stop: no control characters (C1 neither), no broken UTF-8. */
static void add_clean(struct str *out, const char *text)
{
	size_t start = out->len, left = strlen(text);

	while (left && out->len - start < CLEAN_MAX) {
		const unsigned char *u = (const unsigned char *)text;
		size_t n = utf8_at(u, left);
		bool control = n == 1 ? *u < 0x20 || *u == 0x7f : n == 2 && u[0] == 0xc2 && u[1] < 0xa0;
		if (!n)
			str_addc(out, '?');
		else if (!control && (*u != ' ' || (out->len > start && out->at[out->len - 1] != ' ')))
			str_addn(out, text, n);
		else if (out->len > start && out->at[out->len - 1] != ' ')
			str_addc(out, ' ');
		text += n ? n : 1;
		left -= n ? n : 1;
	}
	while (out->len > start && strchr(" .", out->at[out->len - 1]))
		out->at[--out->len] = '\0';
}

/* --- pages for people ----------------------------------------------------------------------------------------------- */

static bool tag_is(const char *at, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(at, name, n) == 0 && !isalnum((unsigned char)at[n]);
}

/* The character of the entity at AT ("&amp;"), and its length; 0: none. */
static size_t entity_at(const char *at, char *c)
{
	static const struct { const char *name; char is; } table[] = {
		{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&apos;", '\'' }, { "&#39;", '\'' }, { "&nbsp;", ' ' },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strncasecmp(at, table[i].name, strlen(table[i].name)) == 0) {
			*c = table[i].is;
			return strlen(table[i].name);
		}
	return 0;
}

/* What a person would read of the page TEXT: of its body, or of its title where the body says nothing. */
static void add_page_text(struct str *out, const char *text, bool title)
{
	static const char *const mute[] = { "script", "style", "title", "head" };
	autostr struct str words = { 0 };
	const char *silent = NULL;

	str_init(&words, 2048);
	while (*text) {
		char c = *text;
		size_t n = c == '&' ? entity_at(text, &c) : 0;
		if (c == '<' && !n) {
			const char *name = text + 1 + (text[1] == '/');
			bool closes = text[1] == '/';
			for (size_t i = 0; i < ARRAY_LEN(mute) - title && !silent && !closes; i++)
				if (tag_is(name, mute[i]) && !(title && i == 2))
					silent = mute[i];
			if (silent && closes && tag_is(name, silent))
				silent = NULL;
			text += strcspn(text, ">");
			text += *text == '>';
			str_addc(&words, ' ');
			continue;
		}
		if (!silent)
			str_addc(&words, c);
		text += n ? n : 1;
	}
	add_clean(out, words.at);
}

void rf_add_text(struct str *out, const char *text)
{
	size_t start = out->len;

	while (isspace((unsigned char)*text))
		text++;
	if (*text != '<') {
		add_clean(out, text);
		return;
	}
	add_page_text(out, text, false);
	if (out->len == start)
		add_page_text(out, text, true);
}

/* --- in a sentence ---------------------------------------------------------------------------------------------------- */

/* "Wait and retry" of a message; NULL when it advises nothing. */
static const char *advice_of(const json_t *m)
{
	static const char *const nothing[] = { "", "None", "N/A", "No resolution is required", "No response action is required", "See",
		"There is no resolution", "No resolution was required" };
	const char *r = json_str(m, "Resolution");

	for (size_t i = 0; r && i < ARRAY_LEN(nothing); i++) {
		size_t n = strlen(nothing[i]);
		if (strncasecmp(r, nothing[i], n) == 0 && strspn(r + n, " .") == strlen(r + n))
			return NULL;
	}
	return r;
}

static void add_args(struct str *out, const json_t *args)
{
	for (size_t i = 0; i < json_array_size(args) && i < 4; i++) {
		const char *s = json_string_value(json_array_get(args, i));
		if (!s)
			continue;
		str_add(out, i ? ", " : ": ");
		add_clean(out, s);
	}
}

bool rf_say(const json_t *body, struct str *out)
{
	struct pick p = { 0 };
	const char *id, *text, *advice;

	rf_messages(body, pick_worst, &p);
	if (!p.best) {
		const json_t *e = json_at(body, "error");
		text = json_str(e, "message");
		if (!text)
			text = json_string_value(e);
		if (!text)
			return false;
		rf_add_text(out, text);
		return true;
	}
	id = rf_message_id(p.best);
	text = json_str(p.best, "Message");
	if (id && *id) {
		const char *dot = strrchr(id, '.');
		add_clean(out, dot && dot[1] ? dot + 1 : id);
	}
	if (text && *text) {
		if (id && *id)
			str_add(out, ": ");
		add_clean(out, text);
	} else {
		add_args(out, json_at(p.best, "MessageArgs"));
	}
	advice = advice_of(p.best);
	if (advice) {
		str_add(out, "; it advises: ");
		add_clean(out, advice);
	}
	return true;
}

struct seek { const char *id; bool found; int worst; };

static void seek_one(void *ctx, const json_t *m)
{
	struct seek *s = ctx;
	int severity = severity_of(m);

	if (s->id && quirk_id_is(rf_message_id(m), s->id))
		s->found = true;
	if (severity > s->worst)
		s->worst = severity;
}

bool rf_has_message(const json_t *body, const char *id)
{
	struct seek s = { .id = id };

	rf_messages(body, seek_one, &s);
	return s.found;
}

int rf_severity(const json_t *body)
{
	struct seek s = { 0 };

	rf_messages(body, seek_one, &s);
	return s.worst;
}

char *rf_path(const char *link)
{
	const char *at, *scheme;
	autostr struct str out = { 0 };

	if (!link)
		return NULL;
	scheme = strstr(link, "://");
	if (scheme && scheme < link + 8) {
		at = strchr(scheme + 3, '/');
		if (!at)
			return NULL;
		link = at;
	}
	if (!*link || *link == '#')
		return NULL;
	str_init(&out, PATH_MAX_BYTES);
	if (*link != '/')
		str_addc(&out, '/');
	for (; *link; link++) {
		unsigned char c = (unsigned char)*link;
		if (c == '#' || strncmp(link, "%23", 3) == 0)
			break;
		if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c))
			str_addf(&out, "%%%02X", c);
		else
			str_addc(&out, (char)c);
	}
	if (str_full(&out) || out.len < 2)
		return NULL;
	if (out.at[1] == '/')        /* "//host/..." would leave this BMC */
		return NULL;
	return str_take(&out);
}

/* What to do about a status where the BMC does not say. */
static const char *hint_for(int status)
{
	static const struct { int status; const char *says; } table[] = {
		{ 403, "the user may lack the privilege for it, or the machine the licence" }, { 405, "this service does not offer it" },
		{ 412, "something else changed it at the same time: run again" }, { 428, "something else changed it at the same time: run again" },
		{ 500, "if it stays so, reset the BMC" }, { 502, "if it stays so, reset the BMC" }, { 504, "if it stays so, reset the BMC" },
		{ 501, "this service does not offer it" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].status == status)
			return table[i].says;
	return NULL;
}

int rf_refused(const struct rf_bmc *b, const struct rf_reply *r, const char *what, struct err *err)
{
	static const struct { int status, code; } codes[] = {
		{ 401, E_AUTH }, { 403, E_DENIED }, { 404, E_NOTFOUND }, { 405, E_UNSUPPORTED }, { 409, E_CONFLICT }, { 410, E_NOTFOUND },
		{ 412, E_CONFLICT }, { 428, E_CONFLICT }, { 413, E_INPUT }, { 429, E_BUSY }, { 503, E_BUSY }, { 501, E_UNSUPPORTED },
	};
	int code = r->status >= 500 ? E_INTERNAL : E_INPUT;
	autostr struct str said = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].status == r->status)
			code = codes[i].code;
	str_init(&said, 700);
	if (!rf_say(r->json, &said) && r->text)
		rf_add_text(&said, r->text);
	const char *hint = strstr(said.at, "it advises") ? NULL : hint_for(r->status);
	return err_set(err, code, "%s refused %s (HTTP %d)%s%s%s%s", b->addr, what, r->status, said.len ? "; it says: " : "", said.at, hint ? "; " : "",
		       hint ? hint : "");
}
