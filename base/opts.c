#include "base/opts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"
#include "base/str.h"

static const struct opt *by_name(const struct opt *o, const char *name, size_t len)
{
	for (; o && o->name; o++)
		if (len == 1 ? o->short_name == name[0] : strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static const struct opt *by_letter(const struct opt *o, char letter)
{
	for (; o && o->name; o++)
		if (o->short_name == letter && o->kind != OPT_FLAG)
			return o;
	return NULL;
}

static int no_option(const struct opts *o, const char *arg, const char *name, size_t len, struct err *err)
{
	const char *names[96], *command = o->command.name;
	size_t n = 0;
	for (const struct opt *p = o->command.opts; p && p->name && n < 64; p++)
		names[n++] = p->name;
	for (const struct opt *p = o->everywhere; p->name && n < ARRAY_LEN(names) - 1; p++)
		names[n++] = p->name;
	names[n] = NULL;
	autofree char *word = xstrndup(name, len);
	const char *near = str_nearest(word, names);
	if (near)
		return err_set(err, E_INPUT, "there is no option %.60s; did you mean --%s?", arg, near);
	return err_set(err, E_INPUT, "there is no option %.60s; see  %s help%s%s", arg, o->program, command ? " " : "", command ? command : "");
}

int opts_no_command(const struct opts *o, const char *name, struct err *err)
{
	const char *near = str_nearest(name, o->names);
	if (near)
		return err_set(err, E_INPUT, "there is no command \"%.60s\"; did you mean \"%s\"?", name, near);
	return err_set(err, E_INPUT, "there is no command \"%.60s\"; %s help lists them", name, o->program);
}

static int check_value(const struct opt *p, const char *value, struct err *err)
{
	autostr struct str all;
	str_init(&all, STR_OURS);
	for (const char *const *v = p->values; v && *v; v++) {
		if (strcmp(*v, value) == 0)
			return 0;
		str_addf(&all, "%s%s", v == p->values ? "" : v[1] ? ", " : " or ", *v);
	}
	if (!p->values)
		return 0;
	return err_set(err, E_INPUT, "--%s does not take \"%.60s\"; it takes %s", p->name, value, all.at);
}

static int store(const struct opt *p, char *at, const char *value, struct err *err)
{
	struct opt_list *list = (struct opt_list *)(at + p->offset);
	char *end;
	switch (p->kind) {
	case OPT_FLAG:
		*(bool *)(at + p->offset) = true;
		return 0;
	case OPT_TEXT:
		*(const char **)(at + p->offset) = value;
		return check_value(p, value, err);
	case OPT_COUNT: {
		errno = 0;
		unsigned long n = strtoul(value, &end, 10);
		if (*end || end == value || value[0] == '-' || errno || n < 1 || n > 100000)
			return err_set(err, E_INPUT, "--%s wants a number from 1 to 100000, not \"%.60s\"", p->name, value);
		*(unsigned *)(at + p->offset) = (unsigned)n;
		return 0;
	}
	case OPT_NAMED:
		vec_push(list, p->name);
		vec_push(list, value);
		return check_value(p, value, err);
	case OPT_LIST:
		vec_push(list, value);
		return check_value(p, value, err);
	}
	return 0;
}

/* What ARG means: whose option, where it is kept, and the value that is part of ARG (NULL: none). */
struct found { const struct opt *opt; void *at; const char *value; };

static bool find_option(const struct opts *o, const char *arg, const char *name, size_t len, struct found *f)
{
	const struct opt *tables[] = { o->command.opts, o->everywhere };
	void *at[] = { o->at, o->everywhere_at };
	f->value = name[len] == '=' ? name + len + 1 : NULL;
	for (int i = 0; i < 2; i++)
		if ((f->opt = by_name(tables[i], name, len)) != NULL)
			return f->at = at[i], true;
	f->value = name + 1;
	for (int i = 0; i < 2 && arg[1] != '-'; i++)
		if ((f->opt = by_letter(tables[i], name[0])) != NULL)
			return f->at = at[i], true;
	return false;
}

/* One argument that starts with a dash; *I moves on when the next one is its value. */
static int parse_option(struct opts *o, char **argv, int argc, int *i, struct err *err)
{
	const char *arg = argv[*i], *name = arg + (arg[1] == '-' ? 2 : 1);
	size_t len = strcspn(name, "=");
	struct found f;
	if (!find_option(o, arg, name, len, &f))
		return no_option(o, arg, name, len, err);
	if (f.opt->kind == OPT_FLAG && f.value)
		return err_set(err, E_INPUT, "--%s takes no value", f.opt->name);
	if (f.opt->kind != OPT_FLAG && !f.value) {
		if (*i + 1 >= argc)
			return err_set(err, E_INPUT, "--%s wants %s", f.opt->name, f.opt->arg);
		f.value = argv[++*i];
	}
	return store(f.opt, f.at, f.value, err);
}

int opts_parse(struct opts *o, int argc, char **argv, struct err *err)
{
	bool over = false;
	for (int i = 1; i < argc; i++) {
		int rc = 0;
		if (!over && strcmp(argv[i], "--") == 0) {
			over = true;
		} else if (!over && argv[i][0] == '-' && argv[i][1]) {
			rc = parse_option(o, argv, argc, &i, err);
		} else if (!o->command.name) {
			if (!o->find(argv[i], &o->command))
				return opts_no_command(o, argv[i], err);
			o->at = xcalloc(1, o->command.opts_size + 1);
		} else {
			vec_push(&o->args, argv[i]);
		}
		if (rc)
			return rc;
	}
	return 0;
}

void opts_free(struct opts *o)
{
	for (const struct opt *p = o->at ? o->command.opts : NULL; p && p->name; p++) {
		if (p->kind == OPT_LIST || p->kind == OPT_NAMED) {
			struct opt_list *l = (struct opt_list *)((char *)o->at + p->offset);
			vec_free(l);                 /* several options may share it */
		}
	}
	free(o->at);
	vec_free(&o->args);
}

void opts_print(FILE *to, const struct opt *o)
{
	for (; o && o->name; o++) {
		char left[64];
		snprintf(left, sizeof(left), "%s%c%s--%s%s%s", o->short_name ? "-" : " ", o->short_name ? o->short_name : ' ',
			 o->short_name ? ", " : "  ", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		fprintf(to, "  %-24s ", left);
		say_wrap(to, o->help, 27, 27, 80);
	}
}
