/* aipc-sim - simulated hardware for demos, tests and benches. */
#include <arpa/inet.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/say.h"
#include "base/str.h"
#include "sim/fault.h"
#include "sim/server.h"

static const char usage[] =
	"Usage: aipc-sim redfish --nodes N --profile hgx-h100 --dir DIR [OPTION]...\n"
	"\n"
	"Runs N simulated BMCs of GPU servers (Redfish over TLS, user admin), each on its\n"
	"own address of 127.0.0.0/8, until SIGINT, SIGTERM or POST /v1/stop.\n"
	"Writes DIR/nodes.csv (name,bmc,rack,serial), DIR/ca.pem, DIR/password and\n"
	"DIR/control (address of the control port), then prints \"ready\".\n"
	"\n"
	"  aipc-sim redfish --nodes 8 --profile hgx-h100 --dir /tmp/rack --speed 60\n"
	"  curl --cacert /tmp/rack/ca.pem -u \"admin:$(cat /tmp/rack/password)\" \\\n"
	"    \"https://$(sed -n 2p /tmp/rack/nodes.csv | cut -d, -f2)/redfish/v1/Systems\"\n"
	"  curl \"http://$(cat /tmp/rack/control)/v1/totals\"\n"
	"\n"
	"  --nodes N             1 to 8000 machines, gpu-0001 and on, 8 to a rack\n"
	"  --profile NAME        hgx-h100\n"
	"  --dir DIR             folder for the files above; made when missing\n"
	"  --port P              port of all BMCs; default: any free one\n"
	"  --base-address A      BMC i has address A + i; default 127.16.0.0\n"
	"  --control ADDR:PORT   control port, plain HTTP; default 127.0.0.1:0 (any)\n"
	"  --faults FILE         fault plan, JSON (see sim/fault.h)\n"
	"  --speed X             simulated time runs X times as fast, 0.01 to 100000\n"
	"  --seed S              serials and chances of faults depend on it; default 1\n"
	"  --verbose             log to stderr what goes on\n"
	"  --help, --version\n"
	"\n"
	"Each BMC has a key and a certificate of its own, made when it is first asked.\n";

enum { EXIT_USAGE = 64 };

struct options {
	unsigned n;
	const char *dir, *faults;
	unsigned short port, control_port;
	struct in_addr control_addr;
	uint32_t base;
	double speed;
	uint64_t seed;
	bool verbose;
};

static bool number(const char *s, double min, double max, double *out)
{
	char *end;

	*out = strtod(s, &end);
	return *s && !*end && *out >= min && *out <= max;
}

static bool whole(const char *s, unsigned long long max, unsigned long long *out)
{
	char *end;

	*out = strtoull(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && *out <= max;
}

static bool read_control(const char *s, struct options *o)
{
	const char *colon = strrchr(s, ':');
	char addr[64];
	unsigned long long port;

	if (!colon || (size_t)(colon - s) >= sizeof addr || !whole(colon + 1, 65535, &port))
		return false;
	memcpy(addr, s, (size_t)(colon - s));
	addr[colon - s] = '\0';
	o->control_port = (unsigned short)port;
	return inet_pton(AF_INET, addr, &o->control_addr) == 1 && ntohl(o->control_addr.s_addr) >> 24 == 127;
}

static bool read_option(int c, const char *arg, struct options *o)
{
	struct in_addr a;
	unsigned long long n;
	double x;

	switch (c) {
	case 'n':
		if (!whole(arg, SIM_MAX_BMCS, &n) || n < 1)
			return false;
		o->n = (unsigned)n;
		return true;
	case 'P':
		return strcmp(arg, "hgx-h100") == 0;
	case 'd':
		o->dir = arg;
		return *arg != '\0';
	case 'p':
		if (!whole(arg, 65535, &n))
			return false;
		o->port = (unsigned short)n;
		return true;
	case 'b':
		if (inet_pton(AF_INET, arg, &a) != 1)
			return false;
		o->base = ntohl(a.s_addr);
		return o->base >> 24 == 127;
	case 'c':
		return read_control(arg, o);
	case 'f':
		o->faults = arg;
		return true;
	case 's':
		if (!number(arg, 0.01, 100000, &x))
			return false;
		o->speed = x;
		return true;
	default:
		return whole(arg, UINT64_MAX - 1, &n) && ((o->seed = n), true);
	}
}

static const struct option longs[] = {
	{ "nodes", required_argument, NULL, 'n' }, { "profile", required_argument, NULL, 'P' }, { "dir", required_argument, NULL, 'd' },
	{ "port", required_argument, NULL, 'p' }, { "base-address", required_argument, NULL, 'b' },
	{ "control", required_argument, NULL, 'c' }, { "faults", required_argument, NULL, 'f' },
	{ "speed", required_argument, NULL, 's' }, { "seed", required_argument, NULL, 'S' }, { "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { 0 },
};

/* What each option takes. */
static const struct { int c; const char *text; } takes[] = {
	{ 'n', "1 to 8000 machines" }, { 'P', "hgx-h100" }, { 'd', "the name of a folder" }, { 'p', "0 (any) to 65535" },
	{ 'b', "an address of 127.0.0.0/8" }, { 'c', "ADDR:PORT, where ADDR is one of 127.0.0.0/8" }, { 's', "0.01 to 100000" },
	{ 'S', "a whole number from 0" },
};
_Static_assert(SIM_MAX_BMCS == 8000, "what --nodes takes");

__attribute__((format(printf, 1, 2))) static int wrong(const char *fmt, ...)
{
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	err_vset(&err, E_INPUT, fmt, ap);
	va_end(ap);
	say_sentence(stderr, "aipc-sim:", strlen("aipc-sim:"), err.msg);
	fputs("Try: aipc-sim --help\n", stderr);
	return EXIT_USAGE;
}

static int wrong_value(int c, const char *name, const char *arg)
{
	for (size_t i = 0; i < ARRAY_LEN(takes); i++)
		if (takes[i].c == c)
			return wrong("--%s takes %s, not \"%.60s\"", name, takes[i].text, arg);
	return wrong("--%s does not take \"%.60s\"", name, arg);
}

/* 0: run; else the exit status + 1. */
static int read_options(int argc, char **argv, struct options *o)
{
	bool profile = false;
	int c, at = -1;

	while ((c = getopt_long(argc, argv, "h", longs, &at)) != -1) {
		if (c == 'h' || c == 'V') {
			fputs(c == 'h' ? usage : "aipc-sim " AIPC_VERSION "\n", stdout);
			return 1;
		}
		if (c == '?')
			return EXIT_USAGE + 1;
		profile |= c == 'P';
		if (c == 'v')
			o->verbose = true;
		else if (!read_option(c, optarg, o))
			return wrong_value(c, longs[at].name, optarg) + 1;
	}
	if (optind == argc)
		return wrong("what is to be simulated is missing; it is called \"redfish\"") + 1;
	if (strcmp(argv[optind], "redfish") != 0)
		return wrong("nothing is simulated but \"redfish\", not \"%.60s\"", argv[optind]) + 1;
	if (optind + 1 != argc)
		return wrong("\"%.60s\" is one argument too many", argv[optind + 1]) + 1;
	if (!o->n || !profile || !o->dir)
		return wrong("--%s is missing; --nodes, --profile and --dir are needed", !o->n ? "nodes" : !profile ? "profile" : "dir") + 1;
	if ((o->base + o->n) >> 24 != 127 || o->base + o->n >= 0x7fffffff)
		return wrong("the addresses of %u machines do not fit into 127.0.0.0/8 behind --base-address", o->n) + 1;
	return 0;
}

/* --- files --------------------------------------------------------------------------------------------------- */

static int write_one(const char *dir, const char *name, const char *data, unsigned mode, struct err *err)
{
	autofree char *path = file_join(dir, name);

	return file_write(path, data, strlen(data), mode, err);
}

static void list_nodes(const struct fleet *f, struct str *out)
{
	str_add(out, "name,bmc,rack,serial\n");
	for (unsigned i = 0; i < f->n; i++) {
		char name[16], serial[24], ip[INET_ADDRSTRLEN];
		struct in_addr at = bmc_addr(&f->bmcs[i]);

		bmc_name(&f->bmcs[i], name);
		bmc_serial(&f->bmcs[i], serial);
		inet_ntop(AF_INET, &at, ip, sizeof ip);
		str_addf(out, "%s,%s:%u,rack-%02u,%s\n", name, ip, f->port, i / SIM_RACK + 1, serial);
	}
}

static int write_files(const struct options *o, const struct fleet *f, const struct ca *ca, unsigned short control,
	struct err *err)
{
	autostr struct str nodes;
	char ip[INET_ADDRSTRLEN], at[40];
	int rc = file_mkdirs(o->dir, err);

	str_init(&nodes, STR_OURS);
	list_nodes(f, &nodes);
	inet_ntop(AF_INET, &o->control_addr, ip, sizeof ip);
	snprintf(at, sizeof at, "%s:%u\n", ip, control);
	if (!rc)
		rc = write_one(o->dir, "nodes.csv", nodes.at, 0644, err);
	if (!rc)
		rc = write_one(o->dir, "ca.pem", ca_pem(ca), 0644, err);
	if (!rc)
		rc = write_one(o->dir, "password", f->password, 0600, err);
	if (!rc)
		rc = write_one(o->dir, "control", at, 0644, err);
	return rc;
}

/* --- running ------------------------------------------------------------------------------------------------- */

struct run {
	const struct options *o;
	struct fleet *fleet;
	struct ca *ca;
	struct event *stop;
	uv_signal_t signals[2];
};

static void on_signal(uv_signal_t *h, int number_)
{
	struct run *r = h->data;

	(void)number_;
	if (r->stop)
		event_set(r->stop);
}

static void watch_signals(struct run *r, uv_loop_t *uv)
{
	static const int numbers[] = { SIGINT, SIGTERM };

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		uv_signal_init(uv, &r->signals[i]);
		r->signals[i].data = r;
		uv_signal_start(&r->signals[i], on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&r->signals[i]);
	}
}

static int run(struct task *t, void *arg, struct err *err)
{
	struct run *r = arg;
	struct server *s;
	struct server_options so = { .fleet = r->fleet, .ca = r->ca, .port = r->o->port, .control_addr = r->o->control_addr,
		.control_port = r->o->control_port };
	int rc = server_start(t, &so, &s, err);

	if (rc)
		return rc;
	r->stop = server_stopped(s);
	watch_signals(r, loop_uv(task_loop(t)));
	rc = write_files(r->o, r->fleet, r->ca, server_control_port(s), err);
	if (!rc) {
		puts("ready");
		fflush(stdout);
		rc = event_wait(t, r->stop, err);
	}
	r->stop = NULL;
	if (rc) {
		struct err ignored;

		(void)server_stop(t, s, &ignored);
	} else {
		rc = server_stop(t, s, err);
	}
	/* Last, so that a second signal does not break off the end. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	for (size_t i = 0; i < ARRAY_LEN(r->signals); i++)
		uv_close((uv_handle_t *)&r->signals[i], NULL);
	return rc;
}

static int load_faults(const struct options *o, struct fleet *f, struct err *err)
{
	autojson json_t *j = NULL;
	int rc;

	if (!o->faults)
		return 0;
	rc = json_read(o->faults, 4 << 20, &j, err);
	if (rc)
		return rc;
	rc = fault_plan_read(j, f->n, &f->faults, err);
	return rc ? err_wrap(err, "%s", o->faults) : 0;
}

int main(int argc, char **argv)
{
	struct options o = { .speed = 1, .seed = 1, .base = 0x7f100000, .control_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct err err = { 0 };
	struct run r = { .o = &o };
	struct loop *loop;
	int rc;

	say_hold_streams();
	if ((rc = read_options(argc, argv, &o)) != 0)
		return say_arrived(stdout, stderr, "aipc-sim") ? rc - 1 : 1;
	json_setup();
	log_init(o.verbose ? LOG_DEBUG : LOG_WARN, false);
	signal(SIGPIPE, SIG_IGN);
	r.fleet = fleet_new(o.n, o.base, o.speed, o.seed, NULL);
	rc = load_faults(&o, r.fleet, &err);
	if (!rc)
		rc = ca_new(&r.ca, &err);
	if (!rc) {
		loop = loop_new();
		rc = loop_run(loop, run, &r, &err);
		loop_free(loop);
	}
	ca_free(r.ca);
	fleet_free(r.fleet);
	if (rc)
		say_sentence(stderr, "aipc-sim:", strlen("aipc-sim:"), err.msg);
	return rc ? 1 : 0;
}
