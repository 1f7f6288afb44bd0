/* parse - what the parsers of expressions and of templates share. Internal to lang/. */
#ifndef LANG_PARSE_H
#define LANG_PARSE_H

#include "lang/expr.h"

struct bound { const char *name; uint32_t len; };

struct parser {
	struct arena *arena;
	const struct origin *o;
	struct diags *d;
	const char *s;               /* the text */
	uint32_t pos, len;
	int depth;
	bool lines;                  /* a line break ends the expression (inside braces) */
	struct bound *bound;         /* the loop variables in sight, by slot; freed by the owner of the parser */
	size_t bound_cap;
	uint16_t n_bound;
};

enum template_end { END_TEXT, END_QUOTE, END_HEREDOC };

struct expr *parse_expr(struct parser *p);
/* The rest of a template from POS on, behind its closing mark. MARKER: of a heredoc; FLUSH: `<<-`. */
struct expr *parse_template(struct parser *p, enum template_end end, const char *marker, uint32_t marker_len, bool flush, uint32_t from);

/* Reports at [OFF, OFF+LEN); NULL. */
void *parse_fail(struct parser *p, uint32_t off, uint32_t len, const char *code, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
struct diag *parse_diag(struct parser *p, uint32_t off, uint32_t len, const char *code, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
struct expr *parse_node(struct parser *p, enum expr_kind kind, uint32_t off);
/* Closes X at the current place and checks its height over its children. NULL after a diagnostic. */
struct expr *parse_done(struct parser *p, struct expr *x, const struct expr *a, const struct expr *b);
void parse_skip(struct parser *p);           /* white space and comments; line breaks unless p->lines */
bool parse_take(struct parser *p, const char *token);        /* skips, then takes TOKEN if it is there */
uint32_t parse_ident_len(const struct parser *p, uint32_t at);       /* 0: no identifier there */
bool parse_is_word(const struct parser *p, uint32_t at, const char *word);
bool parse_bind(struct parser *p, uint32_t at, uint32_t len, uint16_t *slot);
bool parse_deeper(struct parser *p);         /* one level down, or false after a diagnostic; undone by p->depth-- */
/* `for a, b in EXPR`, behind `for`; binds the names. */
bool parse_for_intro(struct parser *p, struct expr *x);

#endif
