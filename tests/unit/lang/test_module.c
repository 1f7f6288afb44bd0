#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "lang/lang.h"

static char dir[] = "/tmp/test_module.XXXXXX";

static int unlink_one(const char *path, const struct stat *st, int kind, struct FTW *w)
{
	(void)st; (void)kind; (void)w;
	return remove(path);
}

/* cmocka cuts long messages. */
#define broken(...) (fprintf(stderr, __VA_ARGS__), fail())

static void clean(void)
{
	struct err err;
	nftw(dir, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(file_mkdirs(dir, &err), 0);
}

/* FILES: "=PATH" lines, each followed by the file's text. */
static void put_files(const char *files)
{
	struct err err;
	clean();
	while (*files) {
		const char *eol = strchr(files, '\n'), *end = strstr(eol, "\n=");
		end = end ? end + 1 : eol + strlen(eol);
		autofree char *name = xstrndup(files + 1, (size_t)(eol - files) - 1);
		autofree char *path = file_join(dir, name);
		*strrchr(path, '/') = '\0';
		assert_int_equal(file_mkdirs(path, &err), 0);
		path[strlen(path)] = '/';
		if (end > eol + 1)
			assert_int_equal(file_write(path, eol + 1, (size_t)(end - eol) - 1, 0644, &err), 0);
		files = end;
	}
}

struct spec { struct lang *l; struct diags *d; int rc; struct err err; };

static struct spec load(const char *files, const struct lang_input *in, size_t n)
{
	struct spec s = { .d = diags_new() };
	put_files(files);
	s.rc = lang_load(dir, in, n, s.d, &s.l, &s.err);
	return s;
}

static void done(struct spec *s)
{
	lang_free(s->l);
	diags_free(s->d);
}

/* "FILE:LINE:COL CODE summary | hint > note" of each, with " > note (FILE:LINE:COL)" for all notes. */
static char *told(const struct diags *d)
{
	autojson json_t *all = diags_json(d);
	struct str s;
	str_init(&s, STR_OURS);
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *g = json_array_get(all, i), *notes = json_at(g, "notes");
		str_addf(&s, "%s:%lld:%lld %s %s", json_str(g, "file"), (long long)json_int(g, "line", 0), (long long)json_int(g, "column", 0),
			 json_str(g, "code"), json_str(g, "summary"));
		if (json_str(g, "hint"))
			str_addf(&s, " | %s", json_str(g, "hint"));
		for (size_t k = 0; k < json_array_size(notes); k++) {
			const json_t *n = json_array_get(notes, k);
			str_addf(&s, " > %s", json_str(n, "text"));
			if (json_str(n, "file"))
				str_addf(&s, " (%s:%lld:%lld)", json_str(n, "file"), (long long)json_int(n, "line", 0), (long long)json_int(n, "column", 0));
		}
		str_addc(&s, '\n');
	}
	return str_take(&s);
}

/* --- the world that answers references to resources: {"id": ADDRESS}; resources called "later" are not known ------------- */

struct world { struct lang *l; int asked; json_t *made; };

static const json_t *answer(void *ctx, const struct lang_resource *r, size_t block)
{
	struct world *w = ctx;
	const struct lang_block *b;
	size_t n;
	w->asked++;
	assert_int_equal(lang_expand(w->l, r, NULL, NULL, &b, &n), 0);
	assert_true(block < n);
	if (strcmp(r->name, "later") == 0 || b[block].deferred)
		return NULL;
	json_t *all = b[block].kind == LANG_INDEX ? json_array() : json_object();
	for (size_t i = 0; i < b[block].n; i++) {
		struct str id;
		str_init(&id, STR_OURS);
		str_addf(&id, "%s%s%s.%s", b[block].module, *b[block].module ? "." : "", r->type, r->name);
		lang_add_key(&id, b[block].kind, b[block].at[i].key);
		json_t *one = json_pack("{s:s}", "id", id.at);
		str_release(&id);
		if (b[block].kind == LANG_SINGLE)
			json_object_update_new(all, one);
		else if (b[block].kind == LANG_INDEX)
			json_array_append_new(all, one);
		else
			json_object_set_new(all, b[block].at[i].key, one);
	}
	json_array_append_new(w->made, all);
	return all;
}

/* Expands all resources, what they refer to first. False when one failed. */
static bool expand_all(struct lang *l, bool *is_done)
{
	size_t n, left;
	const struct lang_resource *r = lang_resources(l, &n);
	const struct lang_block *b;
	bool ok = true, moved = true;
	for (left = n; left && moved; ) {
		moved = false;
		for (size_t i = 0; i < n; i++) {
			bool ready = !is_done[i];
			size_t blocks;
			for (size_t k = 0; ready && k < r[i].n_refs; k++)
				ready = is_done[r[i].refs[k].to->index];
			if (!ready)
				continue;
			ok &= lang_expand(l, &r[i], NULL, NULL, &b, &blocks) == 0;
			is_done[i] = moved = true;
			left--;
		}
	}
	assert_int_equal(left, 0);
	return ok;
}

/* "ADDRESS=CONFIG" a line, all instances; "ADDRESS deferred LINE:COL"; then outputs "NAME: JSON". */
static char *all_of(struct spec *s, struct world *w)
{
	size_t n, blocks, m;
	struct str out;
	const struct lang_resource *r = lang_resources(s->l, &n);
	const struct lang_output *o;
	autofree bool *is_done = xcalloc(n + 1, sizeof(bool));
	str_init(&out, STR_OURS);
	*w = (struct world){ .l = s->l, .made = json_array() };
	lang_on_value(s->l, answer, w);
	bool ok = expand_all(s->l, is_done);
	for (size_t i = 0; ok && i < n; i++) {
		const struct lang_block *b;
		assert_int_equal(lang_expand(s->l, &r[i], NULL, NULL, &b, &blocks), 0);
		for (size_t k = 0; k < blocks; k++) {
			if (b[k].deferred)
				str_addf(&out, "%s%s %s.%s deferred %u:%u\n", b[k].module, b[k].module_deferred ? "*" : "", r[i].type, r[i].name,
					 b[k].deferred->line, b[k].deferred->col);
			for (size_t j = 0; j < b[k].n; j++) {
				autofree char *config = json_text(b[k].at[j].config);
				str_addf(&out, "%s%s%s.%s", b[k].module, *b[k].module ? "." : "", r[i].type, r[i].name);
				lang_add_key(&out, b[k].at[j].kind, b[k].at[j].key);
				str_addf(&out, "=%s%s\n", config, b[k].at[j].unknown ? "?" : "");
			}
		}
	}
	if (lang_outputs(s->l, &o, &m) == 0)
		for (size_t i = 0; i < m; i++)
			str_addf(&out, "%s: %s\n", o[i].name, o[i].sensitive ? "(sensitive)" : o[i].unknown ? "(unknown)" : o[i].json);
	json_decref(w->made);
	return str_take(&out);
}

#define M(text) "=m/main.aipc.yaml\n" text
#define MAIN(text) "=main.aipc.yaml\n" text

/* Specs that work: what they make. */
static const struct { const char *files, *want; } good_rows[] = {
	/* inputs, outputs, locals on both sides */
	{ MAIN("locals: {a: 1}\nmodule: {m: {source: ./m, x: '${local.a + 1}'}}\noutput: {o: {value: '${module.m.y}'}}\n") M("variable: {x: {}}\nlocals: {l: '${var.x * 10}'}\noutput: {y: {value: '${local.l}'}}\n"),
	  "o: 20\n" },
	/* one module twice: values of its own */
	{ MAIN("module: {p: {source: ./m, x: 1}, q: {source: ./m, x: 2}}\noutput: {o: {value: '${[module.p.y, module.q.y]}'}}\n") M("variable: {x: {}}\nresource: {t: {a: {v: '${var.x}'}}}\noutput: {y: {value: '${t.a.id}'}}\n"),
	  "module.p.t.a={\"v\":1}\nmodule.q.t.a={\"v\":2}\no: [\"module.p.t.a\",\"module.q.t.a\"]\n" },
	/* count and for_each, each.value in inputs, instances in order, keys with odd characters */
	{ MAIN("module: {m: {source: ./m, count: 2, x: '${count.index}'}, e: {source: ./m, for_each: {b: 1, 'a.\"]': 2}, x: '${each.key}${each.value}'}}\noutput: {o: {value: '${module.m[*].y}'}, p: {value: '${module.e[\"b\"].y}'}, q: {value: '${[for k, v in module.e : k]}'}, l: {value: '${length(module.m)}'}}\n") M("variable: {x: {type: string}}\nresource: {t: {a: {for_each: '${toset([var.x])}', v: '${each.key}'}}}\noutput: {y: {value: '${t.a[var.x].id}'}}\n"),
	  "module.e[\"a.\\\"]\"].t.a[\"a.\\\"]2\"]={\"v\":\"a.\\\"]2\"}\nmodule.e[\"b\"].t.a[\"b1\"]={\"v\":\"b1\"}\nmodule.m[0].t.a[\"0\"]={\"v\":\"0\"}\nmodule.m[1].t.a[\"1\"]={\"v\":\"1\"}\n"
	  "l: 2\no: [\"module.m[0].t.a[\\\"0\\\"]\",\"module.m[1].t.a[\\\"1\\\"]\"]\np: \"module.e[\\\"b\\\"].t.a[\\\"b1\\\"]\"\nq: [\"a.\\\"]\",\"b\"]\n" },
	/* attribute access to an instance by key, a whole module, single splat */
	{ MAIN("module: {e: {source: ./m, for_each: {k: 1}}, s: {source: ./m}}\noutput: {o: {value: '${module.e.k.y}'}, w: {value: '${module.s}'}, z: {value: '${module.s[*].y}'}, v: {value: '${values(module.e)[*].y}'}, i: {value: '${module[\"s\"][\"y\"]}'}}\n") M("output: {y: {value: 5}, z: {value: [1]}}\n"),
	  "i: 5\no: 5\nv: [5]\nw: {\"y\":5,\"z\":[1]}\nz: [5]\n" },
	/* none, null count is no count given */
	{ MAIN("module: {m: {source: ./m, count: 0}}\noutput: {o: {value: '${length(module.m)}'}, p: {value: '${one(module.m[*].y)}'}}\n") M("resource: {t: {a: {v: '${1 / 0}'}}}\noutput: {y: {value: 1}}\n"),
	  "o: 0\np: null\n" },
	/* types convert, defaults, optional attributes, nullable */
	{ MAIN("module: {m: {source: ./m, n: '5', l: [1, 2], o: {a: x}, d: null, e: null}}\noutput: {o: {value: '${module.m}'}}\n") M("variable: {n: {type: number}, l: {type: 'set(string)'}, o: {type: 'object({a = string, b = optional(number, 7)})'}, d: {default: dd}, e: {default: ee, nullable: false}, f: {default: [1], type: 'list(string)'}}\noutput: {n: {value: '${var.n + 1}'}, l: {value: '${var.l}'}, o: {value: '${var.o}'}, d: {value: '${var.d}'}, e: {value: '${var.e}'}, f: {value: '${var.f}'}}\n"),
	  "o: {\"d\":null,\"e\":\"ee\",\"f\":[\"1\"],\"l\":[\"1\",\"2\"],\"n\":6,\"o\":{\"a\":\"x\",\"b\":7}}\n" },
	/* an output depends on no more than it needs: no circle through the rest of the module */
	{ MAIN("module: {m: {source: ./m, x: '${module.m.name}-x'}}\noutput: {o: {value: '${module.m.full}'}}\n") M("variable: {x: {}}\noutput: {name: {value: n}, full: {value: '${var.x}'}}\n"),
	  "o: \"n-x\"\n" },
	/* unknown goes through inputs and outputs; only what needs it waits */
	{ MAIN("resource: {t: {later: {}}}\nmodule: {m: {source: ./m, x: '${t.later.id}', y: 1}}\noutput: {o: {value: '${module.m.x}'}, p: {value: '${module.m.y}'}}\n") M("variable: {x: {}, y: {}}\nresource: {t: {a: {v: '${var.x}', w: '${var.y}'}}}\noutput: {x: {value: '${var.x}'}, y: {value: '${var.y}'}}\n"),
	  "t.later={}\nmodule.m.t.a={\"v\":null,\"w\":1}?\no: (unknown)\np: 1\n" },
	/* an unknown count of a module leaves all in it open, at any depth; that of one instance only that one */
	{ MAIN("resource: {t: {later: {}}}\nmodule: {m: {source: ./m, count: '${t.later.n}'}}\noutput: {o: {value: '${module.m}'}}\n") M("resource: {t: {a: {}}}\nmodule: {n: {source: ./n}}\n=m/n/a.aipc.yaml\nresource: {t: {b: {}}}\n"),
	  "t.later={}\nmodule.m* t.a deferred 2:37\nmodule.m* t.b deferred 2:37\no: (unknown)\n" },
	{ MAIN("resource: {t: {later: {}}}\nmodule: {m: {source: ./m, for_each: {a: 1, b: '${t.later.n}'}, n: '${each.value}'}}\n") M("variable: {n: {}}\nresource: {t: {c: {count: '${var.n}'}}}\nmodule: {n: {source: ./n, count: '${var.n}'}}\n=m/n/a.aipc.yaml\nresource: {t: {d: {}}}\n"),
	  "t.later={}\nmodule.m[\"a\"].t.c[0]={}\nmodule.m[\"b\"] t.c deferred 2:30\nmodule.m[\"a\"].module.n[0].t.d={}\nmodule.m[\"b\"].module.n* t.d deferred 3:37\n" },
	/* sensitive marks survive, and sensitive variables and outputs set them */
	{ MAIN("variable: {p: {default: a, sensitive: true}}\nmodule: {m: {source: ./m, x: '${var.p}', y: b}}\noutput: {o: {value: '${issensitive(module.m.x)}'}, p: {value: '${issensitive(module.m.y)}'}, q: {value: '${issensitive(module.m.z)}'}, s: {value: '${module.m.x}', sensitive: true}}\n") M("variable: {x: {}, y: {sensitive: true}}\noutput: {x: {value: '${var.x}'}, y: {value: '${var.y}'}, z: {value: 1, sensitive: true}}\n"),
	  "o: true\np: true\nq: true\ns: (sensitive)\n" },
	/* folders; a module beside the caller's, a module above */
	{ MAIN("module: {m: {source: ./m/./}}\noutput: {o: {value: '${[path.module, path.root, module.m.p, module.m.q, module.m.f]}'}}\n") M("module: {b: {source: ../b}}\noutput: {p: {value: '${path.module}'}, q: {value: '${module.b.p}'}, f: {value: '${file(\"${path.module}/f.txt\")}'}}\n") "=m/f.txt\ntext=\n" "=b/x.aipc.yaml\noutput: {p: {value: '${path.module} ${path.root}'}}\n",
	  "o: [\".\",\".\",\"m\",\"b .\",\"text=\\n\"]\n" },
	/* rules of a module's variables, with values it computes */
	{ MAIN("module: {m: {source: ./m, x: 3}}\n") M("variable: {x: {validation: {condition: '${var.x > local.least}', error: no}}}\nlocals: {least: 2}\n"), "" },
	/* a failing try() around what a module gives */
	{ MAIN("module: {m: {source: ./m}}\noutput: {o: {value: '${try(module.m.y.a, \"none\")}'}}\n") M("output: {y: {value: {b: 1}}}\n"), "o: \"none\"\n" },
};

static void modules_make(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(good_rows); i++) {
		struct spec s = load(good_rows[i].files, NULL, 0);
		struct world w;
		autofree char *problems = told(s.d);
		if (s.rc)
			fail_msg("%s\n%s %s", good_rows[i].files, s.err.msg, problems);
		autofree char *got = all_of(&s, &w), *later = told(s.d);
		if (strcmp(got, good_rows[i].want) != 0)
			broken("%s\ngives\n%s\nwants\n%s\n%s", good_rows[i].files, got, good_rows[i].want, later);
		done(&s);
	}
}

/* Specs that do not: all that is told, while loading or while expanding. */
static const struct { const char *files, *want; } bad_rows[] = {
	{ MAIN("module: {m: {}, n: 1, o: {source: '${var.x}'}, p: {source: [1]}, q: {source: x}, r: {source: ./no}, s: {source: ./e}}\n") "=e/x\n",
	  "main.aipc.yaml:1:10 E0101 the module \"m\" has no source | source: ./FOLDER\n"
	  "main.aipc.yaml:1:20 E0115 a module is a map with its source and inputs, this is a number | { source: ./FOLDER }\n"
	  "main.aipc.yaml:1:35 E0132 a source is a plain text: modules are read before anything is evaluated\n"
	  "main.aipc.yaml:1:60 E0132 a source is a plain text: modules are read before anything is evaluated | this is a list\n"
	  "main.aipc.yaml:1:78 E0132 this is not a source of a module | a folder is written ./NAME, a repository git::https://HOST/REPO.git\n"
	  "main.aipc.yaml:1:94 E0132 there is no folder \"no\" | a source is relative to the folder of this file\n"
	  "main.aipc.yaml:1:113 E0132 there is no *.aipc.yaml file in 'DIR/e'\n" },
	{ MAIN("module: {m: {source: ./m, count: 1, for_each: {}, version: 1, y: '${var.z}'}}\nresource: {t: {a: {depends_on: [module.n, module.m.x]}}}\n") M("variable: {x: {}, count: {}}\nprovider: {p: {}}\naipc: {state: {}}\n"),
	  "m/main.aipc.yaml:1:19 E0104 a variable of a module cannot be called \"count\": in a call that means something else > called as module.m (main.aipc.yaml:1:10)\n"
	  "m/main.aipc.yaml:2:1 E0131 a module that is called configures no providers | configure them in the spec that calls it, and pass them by providers > called as module.m (main.aipc.yaml:1:10)\n"
	  "m/main.aipc.yaml:3:8 E0102 the state belongs to the spec that is applied, not to a module it calls > called as module.m (main.aipc.yaml:1:10)\n"
	  "main.aipc.yaml:1:10 E0136 the module \"m\" needs a value for \"x\" > it has no default (m/main.aipc.yaml:1:12)\n"
	  "main.aipc.yaml:1:37 E0112 a module has count or for_each, not both > count is here (main.aipc.yaml:1:27)\n"
	  "main.aipc.yaml:1:51 E0132 versions of modules are named in the source | git::https://HOST/REPO.git?ref=v1.2.0\n"
	  "main.aipc.yaml:1:63 E0135 the module has no variable \"y\" | did you mean \"x\"? > it is in m\n"
	  "main.aipc.yaml:1:69 E0210 no variable is called \"z\"\n"
	  "main.aipc.yaml:2:33 E0210 no module is called \"n\" | did you mean \"module.m\"?\n"
	  "main.aipc.yaml:2:43 E0115 this is not the address of a resource or module; it looks like TYPE.NAME or module.NAME\n" },
	{ MAIN("module: {ab: {source: ./m}}\noutput: {o: {value: '${module.ac.y}'}, p: {value: '${module.ab.yy}'}, r: {value: '${module.ab[*].zz.y}'}}\n") M("output: {y: {value: 1}}\n"),
	  "main.aipc.yaml:2:24 E0210 no module is called \"ac\" | did you mean \"module.ab\"?\n"
	  "main.aipc.yaml:2:64 E0137 the module \"ab\" has no output \"yy\" | did you mean \"y\"? > it is called here, and its files are in m (main.aipc.yaml:1:10)\n"
	  "main.aipc.yaml:2:94 E0137 the module \"ab\" has no output \"zz\" > it is called here, and its files are in m (main.aipc.yaml:1:10)\n" },
	{ MAIN("module: {a: {source: ./m}}\n") M("module: {b: {source: ../n}}\n") "=n/x.aipc.yaml\nmodule: {c: {source: ../m}}\n",
	  "n/x.aipc.yaml:1:22 E0133 a module cannot contain itself: module.c is module.a again | count and for_each do not end it: modules are read before anything is evaluated"
	  " > called as module.a.module.b (m/main.aipc.yaml:1:10) > called as module.a (main.aipc.yaml:1:10)\n" },
	{ MAIN("module: {a: {source: .}}\n"), "main.aipc.yaml:1:22 E0133 a module cannot contain itself: module.a is the spec itself again | count and for_each do not end it: modules are read before anything is evaluated\n" },
	{ MAIN("module: {a: {source: ./m, x: '${local.l}'}}\nlocals: {l: '${module.a.y}'}\n") M("variable: {x: {}}\noutput: {y: {value: '${var.x}'}}\n"),
	  "main.aipc.yaml:1:33 E0113 values need each other in a circle: local.l -> module.a.y -> module.a.var.x -> local.l"
	  " > local.l needs module.a.y (main.aipc.yaml:2:16) > module.a.y needs module.a.var.x (m/main.aipc.yaml:2:24) > module.a.var.x needs local.l (main.aipc.yaml:1:33)\n" },
	{ MAIN("module: {a: {source: ./m, count: '${length(module.a.y)}'}}\n") M("output: {y: {value: 1}}\n"),
	  "main.aipc.yaml:1:44 E0113 values need each other in a circle: module.a -> module.a > module.a needs module.a (main.aipc.yaml:1:44)\n" },
	{ MAIN("resource: {t: {a: {}}}\nmodule: {a: {source: ./m, x: '${t.a.id}'}}\nprovider: {p: {x: '${module.a.y}'}}\naipc: {state: {path: '${module.a.y}'}}\n") M("variable: {x: {}}\noutput: {y: {value: 1}}\n"),
	  "main.aipc.yaml:3:22 E0210 the configuration of a provider cannot refer to modules | only to variables and locals\n"
	  "main.aipc.yaml:4:25 E0210 the aipc block cannot refer to modules | only to variables\n" },
	/* met while evaluating: the chain of calls, with the keys of instances */
	{ MAIN("module: {a: {source: ./m, for_each: {k: 1}, x: many}}\n") M("module: {b: {source: ./n, count: 1, x: '${var.x}'}}\nvariable: {x: {}}\n=m/n/x.aipc.yaml\nvariable: {x: {type: number}}\nresource: {t: {r: {v: '${var.x}', w: '${1 / 0}'}}}\n"),
	  "m/main.aipc.yaml:1:40 E0302 the value of variable \"x\" does not fit its type: a number is required, have string that is not one > it is \"many\" > the variable is declared here (m/n/x.aipc.yaml:1:12)"
	  " > called as module.a[\"k\"].module.b[0] (m/main.aipc.yaml:1:10) > called as module.a[\"k\"] (main.aipc.yaml:1:10)\n"
	  "m/n/x.aipc.yaml:2:45 E0225 this divides by zero > the left side is 1 > called as module.a[\"k\"].module.b[0] (m/main.aipc.yaml:1:10) > called as module.a[\"k\"] (main.aipc.yaml:1:10)\n" },
	{ MAIN("module: {a: {source: ./m, x: 1}}\n") M("variable: {x: {validation: {condition: '${var.x > 2}', error: 'more than 2, not ${var.x}'}}}\n"),
	  "main.aipc.yaml:1:30 E0303 the value of variable \"x\" is refused: more than 2, not 1 > it is 1 > by this rule (m/main.aipc.yaml:1:43) > called as module.a (main.aipc.yaml:1:10)\n" },
	{ MAIN("module: {a: {source: ./m, x: null}}\n") M("variable: {x: {nullable: false}}\n"),
	  "main.aipc.yaml:1:30 E0302 the value of variable \"x\" cannot be null > the variable is declared here (m/main.aipc.yaml:1:12) > called as module.a (main.aipc.yaml:1:10)\n" },
	{ MAIN("module: {a: {source: ./m, count: -1}, b: {source: ./m, for_each: [x]}}\n") M("resource: {t: {a: {}}}\n"),
	  "main.aipc.yaml:1:34 E0228 count is a whole number from 0 to 1000000 > this is -1\n"
	  "main.aipc.yaml:1:66 E0228 for_each takes a map or a set of strings | toset() makes a set of a list of strings > this is tuple with 1 element\n" },
	{ MAIN("module: {a: {source: ./m}}\noutput: {o: {value: '${module.a.y}'}}\n") M("output: {y: {value: 1, sensitive: true}}\n"),
	  "main.aipc.yaml:2:24 E0226 the output \"o\" would show a sensitive value: module.a.y is sensitive | add sensitive: true, or nonsensitive()\n" },
	{ MAIN("module: {a: {source: ./m, count: 2}}\noutput: {o: {value: '${module.a.y}'}}\n") M("output: {y: {value: 1}}\n"),
	  "main.aipc.yaml:2:33 E0223 module.a has no attributes | of one element: [0].y, of each: [*].y > module.a is tuple with 2 elements\n" },
};

static void mistakes_name_the_calls(void **unused)
{
	int wrong = 0;
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++) {
		struct spec s = load(bad_rows[i].files, NULL, 0);
		struct world w;
		free(s.l ? all_of(&s, &w) : NULL);
		autofree char *said = told(s.d);
		struct str got;
		str_init(&got, STR_OURS);
		for (char *p = said, *at; *p; p = at ? at + strlen(dir) : p + strlen(p)) {
			at = strstr(p, dir);
			str_addn(&got, p, at ? (size_t)(at - p) : strlen(p));
			if (at)
				str_add(&got, "DIR");
		}
		if (strcmp(got.at, bad_rows[i].want) != 0)
			wrong++, fprintf(stderr, "%s\ngives %s\n%s\nwants\n%s", bad_rows[i].files, s.err.msg, got.at, bad_rows[i].want);
		str_release(&got);
		done(&s);
	}
	assert_int_equal(wrong, 0);
}

/* --- edges --------------------------------------------------------------------------------------------------------------- */

static void edges_go_through_inputs_and_outputs(void **unused)
{
	static const struct { const char *from, *to; } want[] = {
		{ "after", "module.m.one module.m.two module.m.module.n.deep" },       /* depends_on: all that is in it */
		{ "uses", "keys module.m.one" },                                       /* what the output needs, for_each of the call, and no more */
		{ "whole", "keys module.m.one module.m.two" },
		{ "src", "" }, { "keys", "" },
		{ "module.m.one", "keys src" },                                        /* its input, and for_each of the call */
		{ "module.m.two", "keys" },
		{ "module.m.module.n.deep", "keys" },
		{ "module.last.one", "other src" },                                    /* depends_on of the call, for all in it */
		{ "module.last.two", "other" },
		{ "module.last.module.n.deep", "other" },
		{ "other", "" },
	};
	(void)unused;
	struct spec s = load(
		MAIN("resource:\n  t:\n    src: {}\n    keys: {}\n    other: {}\n    uses: {v: '${module.m[\"k\"].one}'}\n    whole: {v: '${module.m}'}\n    after: {depends_on: [module.m]}\n"
		     "module:\n  m: {source: ./m, for_each: '${toset([t.keys.name])}', x: '${t.src.id}'}\n  last: {source: ./m, x: '${t.src.id}', depends_on: [t.other]}\n")
		M("variable: {x: {}}\nlocals: {via: '${var.x}'}\nresource: {t: {one: {v: '${local.via}'}, two: {}}}\nmodule: {n: {source: ../n}}\noutput: {one: {value: '${t.one.id}'}, two: {value: '${t.two.id}'}}\n")
		"=n/n.aipc.yaml\nresource: {t: {deep: {}}}\n", NULL, 0);
	autofree char *said = told(s.d);
	if (s.rc)
		fail_msg("%s", said);
	size_t n;
	const struct lang_resource *r = lang_resources(s.l, &n);
	assert_int_equal(n, ARRAY_LEN(want));
	for (size_t i = 0; i < n; i++) {
		autofree char *name = xasprintf("%s%s%s", r[i].module, *r[i].module ? "." : "", r[i].name);
		struct str refs;
		size_t row = 0;
		str_init(&refs, STR_OURS);
		for (size_t k = 0; k < r[i].n_refs; k++) {
			const struct lang_resource *to = r[i].refs[k].to;
			str_addf(&refs, "%s%s%s%s", k ? " " : "", to->module, *to->module ? "." : "", to->name);
		}
		while (strcmp(want[row].from, name) != 0)
			assert_true(++row < ARRAY_LEN(want));
		/* in either order: compare as sets by length and membership */
		autofree char *list = xstrdup(want[row].to);
		size_t expected = 0;
		char *save = NULL;
		for (char *p = strtok_r(list, " ", &save); p; p = strtok_r(NULL, " ", &save), expected++) {
			bool found = false;
			for (size_t k = 0; k < r[i].n_refs; k++) {
				const struct lang_resource *to = r[i].refs[k].to;
				autofree char *id = xasprintf("%s%s%s", to->module, *to->module ? "." : "", to->name);
				found = found || strcmp(id, p) == 0;
			}
			if (!found)
				fail_msg("%s needs %s, wants %s", name, refs.at, want[row].to);
		}
		if (expected != r[i].n_refs)
			fail_msg("%s needs %s, wants %s", name, refs.at, want[row].to);
		str_release(&refs);
	}
	done(&s);
}

/* --- bounds ---------------------------------------------------------------------------------------------------------------- */

static void depth_is_bounded(void **unused)
{
	(void)unused;
	struct str files;
	str_init(&files, STR_OURS);
	str_add(&files, "=main.aipc.yaml\nmodule: {m: {source: ./m0}}\n");
	for (int i = 0; i < 40; i++)
		str_addf(&files, "=m%d/x.aipc.yaml\nmodule: {m: {source: ../m%d}}\n", i, i + 1);
	str_add(&files, "=m40/x.aipc.yaml\nlocals: {}\n");
	struct spec s = load(files.at, NULL, 0);
	autofree char *said = told(s.d);
	assert_int_equal(s.rc, E_INPUT);
	assert_non_null(strstr(said, "m31/x.aipc.yaml:1:10 E0134 modules are called more than 32 deep"));
	assert_non_null(strstr(said, "called as module.m (main.aipc.yaml:1:10)"));
	done(&s);
	str_release(&files);
}

/* Each level calls the next twice: without a bound, 2^30 modules. */
static void number_is_bounded(void **unused)
{
	(void)unused;
	struct str files;
	str_init(&files, STR_OURS);
	str_add(&files, "=main.aipc.yaml\nmodule: {m: {source: ./m0}}\n");
	for (int i = 0; i < 29; i++)
		str_addf(&files, "=m%d/x.aipc.yaml\nmodule: {a: {source: ../m%d}, b: {source: ../m%d}}\n", i, i + 1, i + 1);
	str_add(&files, "=m29/x.aipc.yaml\nlocals: {}\n");
	struct spec s = load(files.at, NULL, 0);
	autofree char *said = told(s.d);
	assert_int_equal(s.rc, E_INPUT);
	assert_non_null(strstr(said, "E0134 the spec calls more than 20000 modules"));
	done(&s);
	str_release(&files);
}

static double cpu(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cost_of(int n)
{
	autofree char *files = xasprintf(
		MAIN("module:\n  a: {source: ./m, count: %d, x: '${count.index}'}\n  b: {source: ./m, count: %d, x: '${module.a[count.index].y}'}\n"
		     "resource: {t: {r: {count: %d, v: '${module.b[count.index].y}'}}}\n")
		M("variable: {x: {type: number, validation: {condition: '${var.x >= 0}', error: no}}}\nlocals: {l: '${var.x + 1}'}\nresource: {t: {a: {v: '${local.l}'}}}\noutput: {y: {value: '${local.l}'}}\n"),
		n, n, n);
	double from = cpu();
	struct spec s = load(files, NULL, 0);
	struct world w;
	assert_int_equal(s.rc, 0);
	autofree char *got = all_of(&s, &w);
	autofree char *last = xasprintf("\nt.r[%d]={\"v\":%d}\n", n - 1, n + 1);
	assert_non_null(strstr(got, last));
	done(&s);
	return cpu() - from;
}

/* Three resources in chains of modules: ten times as many cost ten times as much, not a hundred. */
static void many_instances_are_linear(void **unused)
{
	(void)unused;
	double few = cost_of(4000), many = cost_of(40000);
	if (many > 30 * few + 0.5)
		fail_msg("4,000 cost %.2f s, 40,000 cost %.2f s", few, many);
}

static int setup(void **unused)
{
	(void)unused;
	json_setup();
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **unused)
{
	(void)unused;
	nftw(dir, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modules_make),
		cmocka_unit_test(mistakes_name_the_calls),
		cmocka_unit_test(edges_go_through_inputs_and_outputs),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(number_is_bounded),
		cmocka_unit_test(many_instances_are_linear),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
