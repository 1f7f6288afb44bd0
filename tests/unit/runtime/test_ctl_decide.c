/* What the controllers decide: rows of small clusters, each with the decisions that must come out and their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "kube/events.h"
#include "runtime/controllers/act.h"
#include "runtime/controllers/decide.h"
#include "runtime/controllers/xid.h"

#define NOW "2026-11-25T12:00:00Z"

/* A cluster in shorthand: YAML would be nicer, but JSON is what the API server speaks. ' stands for ". */
static struct fleet *cluster(const char *objects, const char *now)
{
	struct err err = { 0 };
	char *text = xasprintf("{'apiVersion':'v1','kind':'List','items':[%s]}", objects);
	json_t *j = NULL;
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p == '`' ? '\'' : *p;
	if (json_parse(text, strlen(text), "test", &j, &err))
		fail_msg("%s in %s", err.msg, text);
	struct fleet *f = fleet_new(time_parse(now));
	if (fleet_add(f, j, &err))
		fail_msg("%s", err.msg);
	json_decref(j);
	free(text);
	fleet_settle(f);
	return f;
}

/* Which kinds some test has seen decided. */
static bool seen[DECISION_KINDS];

static void see(const json_t *decisions)
{
	size_t i;
	json_t *d;
	json_array_foreach(decisions, i, d) {
		seen[decision_kind(d) - decision_kinds] = true;
		assert_true(*json_str(d, "reason"));
	}
}

/* "fence n1 NotReady; hold n2 BlastRadius": the decisions in one line. Status decisions are left out. */
static void brief(const json_t *decisions, struct str *out)
{
	size_t i;
	json_t *d;
	json_array_foreach(decisions, i, d) {
		const char *what = json_str(d, "do"), *name = json_str(d, "node");
		if (strcmp(what, "status") == 0)
			continue;
		str_addf(out, "%s%s %s %s", out->len ? "; " : "", what, name ? name : json_str(d, json_str(d, "policy") ? "policy" : "gang"), json_str(d, "reason"));
		size_t k;
		json_t *e;
		json_array_foreach(json_at(d, "replacements"), k, e) {
			str_addf(out, " %s%s%lld:%s>%s", json_str(e, "group"), *json_str(e, "group") ? "/" : "", (long long)json_int(e, "rank", -1), json_str(e, "from"), json_str(e, "node"));
		}
		if (json_at(d, "delete"))
			str_addf(out, " -%zu", json_array_size(json_at(d, "delete")));
	}
}

static void expect(const char *row, json_t *(*decide)(const struct fleet *), const char *objects, const char *now, const char *want)
{
	struct fleet *f = cluster(objects, now);
	json_t *d = decide(f), *again = decide(f);
	struct str s;
	see(d);
	str_init(&s, STR_OURS);
	brief(d, &s);
	if (strcmp(s.at, want) != 0)
		fail_msg("%s\n  got:  %s\n  want: %s", row, s.at, want);
	assert_true(json_same(d, again));        /* the same world gives the same decisions */
	json_decref(d);
	json_decref(again);
	str_release(&s);
	fleet_free(f);
}

#define META(name, rest) "'metadata':{'name':'" name "','uid':'u-" name "','resourceVersion':'7'" rest "}"
#define READY "{'type':'Ready','status':'True','lastTransitionTime':'2026-11-25T00:00:00Z'}"
#define NODE(name, labels, notes, spec, conditions) \
	"{'apiVersion':'v1','kind':'Node'," META(name, ",'labels':{'aipc.dev/pool':'train'" labels "},'annotations':{" notes "}") ",'spec':{" spec "},'status':{'nodeInfo':{'bootID':'b1'},'conditions':[" conditions "]}}"
#define POLICY(spec) "{'apiVersion':'aipc.dev/v1alpha1','kind':'NodeHealthPolicy'," META("p", "") ",'spec':{" spec "}}"
#define FENCED "'taints':[{'key':'aipc.dev/unhealthy','value':'XidResetGpu','effect':'NoSchedule'}]"
#define FENCE(until, more) "'aipc.dev/fence':'{\\'reason\\':\\'XidResetGpu\\',\\'since\\':\\'2026-11-25T10:00:00Z\\',\\'until\\':\\'" until "\\',\\'boot\\':\\'b0\\'" more "}'"
#define BAD(type, status, since) READY ",{'type':'" type "','status':'" status "','lastTransitionTime':'" since "','message':'m'}"
#define EVENT(node, time, text) "{'apiVersion':'v1','kind':'Event'," META("e-" time, ",'namespace':'default'") ",'involvedObject':{'kind':'Node','name':'" node "'},'lastTimestamp':'" time "','message':'" text "'}"
#define LIMIT(level, percent) "'blastRadius':{'limits':[{'level':'" level "','percent':" percent "}]}"
#define ALL LIMIT("cluster", "100")

static void health(void **unused)
{
	(void)unused;
	static const struct { const char *what, *objects, *want; } rows[] = {
		{ "all is well", NODE("n1", "", "", "", READY) "," POLICY(ALL), "" },
		{ "no policy rules", NODE("n1", "", "'aipc.dev/xid':'79'", "", READY), "" },
		{ "off the bus", NODE("n1", "", "'aipc.dev/xid':'79'", "", READY) "," POLICY(ALL), "fence n1 XidRebootNode" },
		{ "the heavier of two", NODE("n1", "", "'aipc.dev/xid':'119, 79@2026-11-25T11:00:00Z'", "", READY) "," POLICY(ALL), "fence n1 XidRebootNode" },
		{ "of the application", NODE("n1", "", "'aipc.dev/xid':'31,13,43'", "", READY) "," POLICY(ALL), "" },
		{ "unknown code", NODE("n1", "", "'aipc.dev/xid':'999'", "", READY) "," POLICY(ALL), "watch n1 XidUnknown" },
		{ "not a code", NODE("n1", "", "'aipc.dev/xid':'79x'", "", READY) "," POLICY(ALL), "watch n1 BadAnnotation" },
		{ "not a time", NODE("n1", "", "'aipc.dev/xid':'79@noon'", "", READY) "," POLICY(ALL), "watch n1 BadAnnotation" },
		{ "an override", NODE("n1", "", "'aipc.dev/xid':'79'", "", READY) "," POLICY(ALL ",'xid':{'overrides':[{'code':79,'action':'Watch'}]}"), "watch n1 XidRebootNode" },
		{ "a bucket ignored", NODE("n1", "", "'aipc.dev/xid':'119'", "", READY) "," POLICY(ALL ",'xid':{'resetGpu':'Ignore'}"), "" },
		{ "74 means nothing on a GB200", NODE("n1", ",'aipc.dev/gpu-product':'GB200'", "'aipc.dev/xid':'74'", "", READY) "," POLICY(ALL), "watch n1 XidUnknown" },
		{ "from an event", NODE("n1", "", "", "", READY) "," POLICY(ALL) "," EVENT("n1", "2026-11-25T11:30:00Z", "NVRM: Xid (PCI:0000:1b:00): 119, pid=1, name=x"), "fence n1 XidResetGpu" },
		{ "an event too old", NODE("n1", "", "", "", READY) "," POLICY(ALL) "," EVENT("n1", "2026-11-25T10:30:00Z", "Xid 119"), "" },
		{ "an SXid is no Xid", NODE("n1", "", "", "", READY) "," POLICY(ALL) "," EVENT("n1", "2026-11-25T11:30:00Z", "SXid (PCI:0000:1b:00): 79, Fatal"), "" },
		{ "154 carries its action", NODE("n1", "", "", "", READY) "," POLICY(ALL) "," EVENT("n1", "2026-11-25T11:30:00Z", "Xid (PCI:0000:1b:00): 154, GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)"), "fence n1 XidRebootNode" },
		{ "154, nothing needed", NODE("n1", "", "", "", READY) "," POLICY(ALL) "," EVENT("n1", "2026-11-25T11:30:00Z", "Xid (PCI:0000:1b:00): 154, changed from 0x2 (Node Reboot Required) to 0x0 (None)"), "" },
		{ "not ready, long", NODE("n1", "", "", "", "{'type':'Ready','status':'Unknown','reason':'NodeStatusUnknown','lastTransitionTime':'2026-11-25T11:50:00Z'}") "," POLICY(ALL), "fence n1 NotReady" },
		{ "not ready, just now", NODE("n1", "", "", "", "{'type':'Ready','status':'False','lastTransitionTime':'2026-11-25T11:58:00Z'}") "," POLICY(ALL), "" },
		{ "not ready since tomorrow (a clock that jumped)", NODE("n1", "", "", "", "{'type':'Ready','status':'False','lastTransitionTime':'2026-11-26T11:58:00Z'}") "," POLICY(ALL), "" },
		{ "no Ready at all is unknown, not failed", NODE("n1", "", "", "", "") "," POLICY(ALL), "" },
		{ "NVSentinel", NODE("n1", "", "", "", BAD("SysLogsGPUFallenOff", "True", NOW)) "," POLICY(ALL), "fence n1 SysLogsGPUFallenOff" },
		{ "a star", NODE("n1", "", "", "", BAD("GpuNvlinkWatch", "True", NOW)) "," POLICY(ALL), "fence n1 GpuNvlinkWatch" },
		{ "node-problem-detector", NODE("n1", "", "", "", BAD("FrequentKubeletRestart", "True", NOW)) "," POLICY(ALL), "watch n1 FrequentKubeletRestart" },
		{ "own list instead", NODE("n1", "", "", "", BAD("KernelDeadlock", "True", NOW)) "," POLICY(ALL ",'conditions':[{'type':'Fan','status':'False'}]"), "" },
		{ "own list, other status, a while", NODE("n1", "", "", "", BAD("9.Fan/x", "False", "2026-11-25T11:00:00Z")) "," POLICY(ALL ",'conditions':[{'type':'9.Fan*','status':'False','forSeconds':60}]"), "fence n1 Fanx" },
		{ "shapes that are none", "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n1','labels':[],'annotations':7},'spec':'x','status':{'conditions':{'a':1}}}," POLICY(ALL), "" },
		{ "fenced by someone else", NODE("n1", "", "", FENCED, READY) "," POLICY(ALL), "" },
		{ "rebooted: recovering", NODE("n1", "", FENCE("reboot", ""), FENCED, READY) "," POLICY(ALL), "note n1 Recovering" },
		{ "rebooted, long clear", NODE("n1", "", FENCE("reboot", ",\\'clear\\':\\'2026-11-25T11:50:00Z\\'"), FENCED, READY) "," POLICY(ALL), "lift n1 Recovered" },
		{ "rebooted, not long enough", NODE("n1", "", FENCE("reboot", ",\\'clear\\':\\'2026-11-25T11:58:00Z\\'"), FENCED, READY) "," POLICY(ALL), "" },
		{ "a repair is needed, a reboot is none", NODE("n1", "", FENCE("repair", ""), FENCED, READY) "," POLICY(ALL), "" },
		{ "repaired", NODE("n1", "", FENCE("repair", "") ",'aipc.dev/repaired':'2026-11-25T11:00:00Z'", FENCED, READY) "," POLICY(ALL), "note n1 Recovering" },
		{ "repaired before it broke", NODE("n1", "", FENCE("repair", "") ",'aipc.dev/repaired':'2026-11-25T09:00:00Z'", FENCED, READY) "," POLICY(ALL), "" },
		{ "relapsed", NODE("n1", "", FENCE("reboot", ",\\'clear\\':\\'2026-11-25T11:50:00Z\\'") ",'aipc.dev/xid':'79@2026-11-25T11:55:00Z'", FENCED, READY) "," POLICY(ALL), "note n1 Relapsed" },
		{ "what was before the lift is over", NODE("n1", "", "'aipc.dev/fence':'{\\'cleared\\':\\'2026-11-25T11:00:00Z\\'}','aipc.dev/xid':'79@2026-11-25T10:00:00Z'", "", READY) "," POLICY(ALL), "" },
		{ "dry run", NODE("n1", "", "'aipc.dev/xid':'79'", "", READY) "," POLICY(ALL ",'dryRun':true"), "would-fence n1 XidRebootNode" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(rows[i].what, health_decide, rows[i].objects, NOW, rows[i].want);
}

#define LEAF(name, leaf, notes, spec) NODE(name, ",'aipc.dev/fabric':'f','aipc.dev/spine-group':'s','aipc.dev/leaf':'" leaf "','aipc.dev/spare':'no'", notes, spec, READY)
#define FOUR LEAF("n1", "a", "'aipc.dev/xid':'119'", "") "," LEAF("n2", "a", "'aipc.dev/xid':'79'", "") "," LEAF("n3", "b", "'aipc.dev/xid':'79'", "") "," LEAF("n4", "b", "", "")

static void blast_radius(void **unused)
{
	(void)unused;
	static const struct { const char *what, *objects, *want; } rows[] = {
		{ "the worst first, then the rest is held", FOUR "," POLICY(""), "fence n2 XidRebootNode; hold n3 BlastRadius; hold n1 BlastRadius" },
		{ "half of the cluster", FOUR "," POLICY(LIMIT("cluster", "50")), "fence n2 XidRebootNode; fence n3 XidRebootNode; hold n1 BlastRadius" },
		{ "one of a leaf", FOUR "," POLICY(LIMIT("leaf", "50")), "fence n2 XidRebootNode; fence n3 XidRebootNode; hold n1 BlastRadius" },
		{ "by alias and key", FOUR "," POLICY("'blastRadius':{'limits':[{'level':'aipc.dev/leaf','percent':100},{'level':'block','percent':25}]}"), "fence n2 XidRebootNode; hold n3 BlastRadius; hold n1 BlastRadius" },
		{ "nothing at all", FOUR "," POLICY(LIMIT("cluster", "0")), "hold n2 BlastRadius; hold n3 BlastRadius; hold n1 BlastRadius" },
		{ "a level that is not there", FOUR "," POLICY(LIMIT("row", "50")), "hold n2 UnknownLevel; hold n3 UnknownLevel; hold n1 UnknownLevel" },
		{ "who is fenced counts", LEAF("n1", "a", "'aipc.dev/xid':'79'", "") "," LEAF("n2", "a", "", FENCED) "," POLICY(LIMIT("leaf", "50")), "hold n1 BlastRadius" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(rows[i].what, health_decide, rows[i].objects, NOW, rows[i].want);
}

#define GUARDED "'taints':[{'key':'aipc.dev/guard','value':'GpuCount','effect':'NoSchedule'}]"
#define SUSPECT(since) "'aipc.dev/guard-note':'{\\'reason\\':\\'GpuCount\\',\\'since\\':\\'" since "\\'}'"
#define GPUS(labels, notes, spec, alloc) "{'apiVersion':'v1','kind':'Node'," META("n1", ",'labels':{'aipc.dev/pool':'t'" labels "},'annotations':{" notes "}") ",'spec':{" spec "},'status':{'allocatable':{" alloc "}}}," POLICY("")

static void guard(void **unused)
{
	(void)unused;
	static const struct { const char *what, *objects, *want; } rows[] = {
		{ "as declared", GPUS(",'aipc.dev/gpu-count':'8'", "", "", "'nvidia.com/gpu':'8'"), "" },
		{ "a GPU is missing: first the note", GPUS(",'aipc.dev/gpu-count':'8'", "", "", "'nvidia.com/gpu':'7'"), "suspect n1 GpuCount" },
		{ "within the grace", GPUS(",'aipc.dev/gpu-count':'8'", SUSPECT("2026-11-25T11:59:00Z"), "", "'nvidia.com/gpu':'7'"), "" },
		{ "then the taint", GPUS(",'aipc.dev/gpu-count':'8'", SUSPECT("2026-11-25T11:50:00Z"), "", "'nvidia.com/gpu':'7'"), "guard n1 GpuCount" },
		{ "and it stays", GPUS(",'aipc.dev/gpu-count':'8'", SUSPECT("2026-11-25T11:50:00Z"), GUARDED, "'nvidia.com/gpu':'7'"), "" },
		{ "back", GPUS(",'aipc.dev/gpu-count':'8'", SUSPECT("2026-11-25T11:50:00Z"), GUARDED, "'nvidia.com/gpu':'8'"), "unguard n1 AsDeclared" },
		{ "back in time", GPUS(",'aipc.dev/gpu-count':'8'", SUSPECT("2026-11-25T11:59:00Z"), "", "'nvidia.com/gpu':'8'"), "unsuspect n1 AsDeclared" },
		{ "a taint of others", GPUS(",'aipc.dev/gpu-count':'8'", "", GUARDED, "'nvidia.com/gpu':'8'"), "" },
		{ "no device plugin", GPUS(",'aipc.dev/gpu-count':'8'", "", "", "'cpu':'1'"), "suspect n1 GpuCount" },
		{ "the label disagrees", GPUS(",'aipc.dev/gpu-count':'8','nvidia.com/gpu.count':'4'", "", "", "'nvidia.com/gpu':'8'"), "suspect n1 GpuCount" },
		{ "another product", GPUS(",'aipc.dev/gpu-product':'H100-SXM5-80GB','nvidia.com/gpu.product':'NVIDIA-A100-SXM4-80GB'", "", "", ""), "suspect n1 GpuProduct" },
		{ "the same in other words", GPUS(",'aipc.dev/gpu-product':'H100-SXM5-80GB','nvidia.com/gpu.product':'NVIDIA-H100-80GB-HBM3-MIG-1g.10gb'", "", "", ""), "" },
		{ "MIG in place", GPUS(",'aipc.dev/gpu-count':'8','aipc.dev/mig-layout':'x','nvidia.com/mig.config':'x','nvidia.com/mig.config.state':'success'", "", "", "'nvidia.com/mig-1g.10gb':'56'"), "" },
		{ "MIG pending", GPUS(",'aipc.dev/mig-layout':'x','nvidia.com/mig.config':'x','nvidia.com/mig.config.state':'pending'", "", "", "'nvidia.com/mig-1g.10gb':'56'"), "suspect n1 MigLayout" },
		{ "another layout", GPUS(",'aipc.dev/mig-layout':'x','nvidia.com/mig.config':'y'", "", "", "'nvidia.com/mig-1g.10gb':'56'"), "suspect n1 MigLayout" },
		{ "layout right, plugin stale", GPUS(",'aipc.dev/mig-layout':'x','nvidia.com/mig.config':'x','nvidia.com/mig.config.state':'success'", "", "", "'nvidia.com/mig-1g.10gb':'0'"), "suspect n1 MigLayout" },
		{ "counted instances", GPUS(",'aipc.dev/mig-layout':'x'", "'aipc.dev/mig-resources':'{\\'nvidia.com/mig-1g.10gb\\':56}'", "", "'nvidia.com/mig-1g.10gb':'49'"), "suspect n1 MigLayout" },
		{ "the guard goes", "{'apiVersion':'v1','kind':'Node'," META("n1", ",'labels':{'aipc.dev/pool':'t','aipc.dev/gpu-count':'8'},'annotations':{" SUSPECT("2026-11-25T11:50:00Z") "}") ",'spec':{" GUARDED "}}," POLICY("'guard':{'enabled':false}"), "unguard n1 GuardOff" },
		{ "switched off", "{'apiVersion':'v1','kind':'Node'," META("n1", ",'labels':{'aipc.dev/pool':'t','aipc.dev/gpu-count':'8'}") "}," POLICY("'guard':{'enabled':false}"), "" },
		{ "no grace", "{'apiVersion':'v1','kind':'Node'," META("n1", ",'labels':{'aipc.dev/pool':'t','aipc.dev/gpu-count':'8'}") "}," POLICY("'guard':{'graceSeconds':0}"), "guard n1 GpuCount" },
		{ "dry run", "{'apiVersion':'v1','kind':'Node'," META("n1", ",'labels':{'aipc.dev/pool':'t','aipc.dev/gpu-count':'8'}") "}," POLICY("'dryRun':true,'guard':{'graceSeconds':0}"), "would-guard n1 GpuCount" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(rows[i].what, guard_decide, rows[i].objects, NOW, rows[i].want);
}

#define AT(name, leaf, nv, spare, spec) NODE(name, ",'aipc.dev/fabric':'f','aipc.dev/spine-group':'s','aipc.dev/leaf':'" leaf "','aipc.dev/nvlink-domain':'" nv "','aipc.dev/spare':'" spare "'", "", spec, READY)
#define POD(name, rank, node) "{'apiVersion':'v1','kind':'Pod'," META(name, ",'namespace':'ns','labels':{'aipc.dev/gang':'g'},'annotations':{'aipc.dev/rank':'" rank "'}") ",'spec':{'nodeName':'" node "'},'status':{'phase':'Running'}}"
#define GANG(spec, replacements) "{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang'," META("g", ",'namespace':'ns','generation':3") ",'spec':{'min':4" spec "},'status':{'replacements':[" replacements "]}}"
#define POOL "{'apiVersion':'aipc.dev/v1alpha1','kind':'SparePool'," META("spares", "") ",'spec':{}}"
#define ENTRY(rank, from, node) "{'group':'','rank':" rank ",'node':'" node "','from':'" from "','pod':'p" rank "','uid':'u-p" rank "','reason':'XidResetGpu','since':'2026-11-25T11:59:00Z'}"
/* Four nodes, two NVLink domains in one leaf; s1 beside the first, s2 in the second, s3 in another leaf. */
#define RUNS POD("p0", "0", "n0") "," POD("p1", "1", "n1") "," POD("p2", "2", "n2") "," POD("p3", "3", "n3")
#define FABRIC(s0, s1, s2, s3) AT("n0", "a", "x", "false", s0) "," AT("n1", "a", "x", "false", s1) "," AT("n2", "a", "y", "false", s2) "," AT("n3", "a", "y", "false", s3)
#define SPARES AT("s1", "a", "x", "true", "") "," AT("s2", "a", "y", "true", "") "," AT("s3", "b", "z", "true", "")

static void spare_swap(void **unused)
{
	(void)unused;
	static const struct { const char *what, *objects, *want; } rows[] = {
		{ "nothing failed", FABRIC("", "", "", "") "," SPARES "," RUNS "," POOL "," GANG("", ""), "" },
		{ "two at once, ranks kept, the same leaf first", FABRIC(FENCED, "", "", FENCED) "," SPARES "," RUNS "," POOL "," GANG("", ""), "replace ns/g Replacing 0:n0>s1 3:n3>s2 -2" },
		{ "the same slice first", FABRIC("", "", "", FENCED) "," SPARES "," RUNS "," POOL "," GANG(",'slices':[{'size':2,'level':'nvlink'}]", ""), "replace ns/g Replacing 3:n3>s2 -1" },
		{ "slices of two that failed", FABRIC(FENCED, "", FENCED, "") "," SPARES "," RUNS "," POOL "," GANG(",'slices':[{'size':2,'level':'nvlink'}]", ""), "replace ns/g Replacing 0:n0>s1 2:n2>s2 -2" },
		{ "then wider", FABRIC(FENCED, FENCED, FENCED, "") "," SPARES "," RUNS "," POOL "," GANG("", ""), "replace ns/g Replacing 0:n0>s1 1:n1>s3 2:n2>s2 -3" },
		{ "but not wider than required: nobody moves", FABRIC(FENCED, FENCED, FENCED, "") "," SPARES "," RUNS "," POOL "," GANG(",'required':'leaf'", ""), "short ns/g NoSpare" },
		{ "nor than the repair may go", FABRIC(FENCED, FENCED, FENCED, "") "," SPARES "," RUNS "," POOL "," GANG(",'repair':{'widest':'leaf'}", ""), "short ns/g NoSpare" },
		{ "a level that is not there", FABRIC(FENCED, "", "", "") "," SPARES "," RUNS "," POOL "," GANG(",'required':'row'", ""), "short ns/g UnknownLevel" },
		{ "a node that is gone", AT("n0", "a", "x", "false", "") "," SPARES "," POD("p0", "0", "n0") "," POD("p1", "1", "n1") "," POOL "," GANG("", ""), "replace ns/g Replacing 1:n1>s1 -1" },
		{ "more than may be", FABRIC(FENCED, FENCED, "", "") "," SPARES "," RUNS "," POOL "," GANG(",'repair':{'maxNodes':1}", ""), "short ns/g TooManyFailed" },
		{ "not wanted", FABRIC(FENCED, "", "", "") "," SPARES "," RUNS "," POOL "," GANG(",'repair':{'policy':'None'}", ""), "" },
		{ "all anew", FABRIC(FENCED, "", "", "") "," SPARES "," RUNS "," POOL "," GANG(",'repair':{'policy':'Restart'}", ""), "restart ns/g Restarting -4" },
		{ "no pool", FABRIC(FENCED, "", "", "") "," SPARES "," RUNS "," GANG("", ""), "short ns/g NoSpare" },
		{ "spares that are no use", FABRIC(FENCED, "", "", "") "," AT("s1", "a", "x", "true", "'unschedulable':true") "," AT("s2", "a", "y", "true", FENCED) "," RUNS "," POOL "," GANG("", ""), "short ns/g NoSpare" },
		{ "decided before, pods not gone yet: again the same", FABRIC(FENCED, "", "", FENCED) "," SPARES "," RUNS "," POOL "," GANG("", ENTRY("0", "n0", "s2") "," ENTRY("3", "n3", "s1")), "replace ns/g Replacing 0:n0>s2 3:n3>s1 -2" },
		{ "the pod is gone, its successor waits", FABRIC(FENCED, "", "", "") "," SPARES "," POD("p1", "1", "n1") "," POD("q0", "0", "") "," POOL "," GANG("", ENTRY("0", "n0", "s1")), "" },
		{ "the successor runs", FABRIC(FENCED, "", "", "") "," SPARES "," POD("p1", "1", "n1") "," POD("q0", "0", "s1") "," POOL "," GANG("", ENTRY("0", "n0", "s1")), "done ns/g Repaired" },
		{ "another fails while one waits: its spare is taken", FABRIC(FENCED, FENCED, "", "") "," SPARES "," POD("p1", "1", "n1") "," POD("p2", "2", "n2") "," POOL "," GANG("", ENTRY("0", "n0", "s1")), "replace ns/g Replacing 1:n1>s2 0:n0>s1 -1" },
		{ "no rank, no guess", FABRIC(FENCED, "", "", "") "," SPARES "," POD("p0", "zero", "n0") "," POOL "," GANG("", ""), "short ns/g NoRank" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(rows[i].what, swap_decide, rows[i].objects, NOW, rows[i].want);
}

static void pools_and_topologies(void **unused)
{
	(void)unused;
	struct fleet *f = cluster(FABRIC(FENCED, "", "", "") "," SPARES "," AT("s4", "b", "z", "true", "'unschedulable':true") "," RUNS "," GANG("", ENTRY("0", "n0", "s1"))
				  ",{'apiVersion':'aipc.dev/v1alpha1','kind':'SparePool'," META("spares", "") ",'spec':{'minFree':[{'level':'leaf','nodes':2},{'level':'cluster','nodes':2}]}}"
				  ",{'apiVersion':'aipc.dev/v1alpha1','kind':'FabricTopology'," META("default", "") ",'spec':{'preset':'aipc'}}", NOW);
	autojson json_t *pools = pools_decide(f), *topologies = topologies_decide(f);
	autofree char *p = json_text(pools), *t = json_text(topologies);
	assert_string_equal(p, "[{\"do\":\"status\",\"free\":2,\"inUse\":0,\"nodes\":4,\"observedGeneration\":0,\"pool\":\"spares\",\"reason\":\"Short\",\"reserved\":1,"
			       "\"short\":[{\"domain\":\"f/s/a\",\"free\":1,\"level\":\"leaf\",\"wanted\":2},{\"domain\":\"f/s/b\",\"free\":1,\"level\":\"leaf\",\"wanted\":2}],"
			       "\"uid\":\"u-spares\",\"unhealthy\":1}]");
	assert_non_null(strstr(t, "{\"domains\":2,\"missing\":0,\"name\":\"leaf\",\"nodeLabel\":\"aipc.dev/leaf\"}"));
	assert_non_null(strstr(t, "\"nodes\":8"));
	fleet_free(f);
}

/* Two gangs never get the same spare, whatever fails together. */
static void one_spare_two_gangs(void **unused)
{
	(void)unused;
	expect("two gangs", swap_decide, FABRIC(FENCED, FENCED, "", "") "," AT("s1", "a", "x", "true", "") "," POOL "," POD("p0", "0", "n0") "," GANG("", "")
	       ",{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang'," META("h", ",'namespace':'ns'") ",'spec':{}}"
	       ",{'apiVersion':'v1','kind':'Pod'," META("r0", ",'namespace':'ns','labels':{'aipc.dev/gang':'h'},'annotations':{'aipc.dev/rank':'0'}") ",'spec':{'nodeName':'n1'}}",
	       NOW, "replace ns/g Replacing 0:n0>s1 -1; short ns/h NoSpare");
}

#define OTHER(name, spares, node) "{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang'," META(name, ",'namespace':'ns'") ",'spec':{'spares':{" spares "}}}," \
	"{'apiVersion':'v1','kind':'Pod'," META(name "-0", ",'namespace':'ns','labels':{'aipc.dev/gang':'" name "'},'annotations':{'aipc.dev/rank':'0'}") ",'spec':{'nodeName':'" node "'},'status':{'phase':'Running'}}"

/* Spares that a running gang keeps are nobody else's; who keeps some draws on them, and on what nobody keeps. */
static void spares_are_kept(void **unused)
{
	(void)unused;
	static const struct { const char *what, *objects, *want; } rows[] = {
		{ "the nearest are kept for another", FABRIC(FENCED, "", "", "") "," SPARES "," POD("p0", "0", "n0") "," OTHER("k", "'count':2", "n2") "," POOL "," GANG("", ""), "replace ns/g Replacing 0:n0>s3 -1" },
		{ "all are", FABRIC(FENCED, "", "", "") "," SPARES "," POD("p0", "0", "n0") "," OTHER("k", "'count':3", "n2") "," POOL "," GANG("", ""), "short ns/g NoSpare" },
		{ "one's own", FABRIC(FENCED, "", "", "") "," SPARES "," POD("p0", "0", "n0") "," OTHER("k", "'count':2", "n2") "," POOL "," GANG(",'spares':{'count':1}", ""), "replace ns/g Replacing 0:n0>s1 -1" },
		{ "one's own and what is left", FABRIC(FENCED, "", FENCED, "") "," SPARES "," POD("p0", "0", "n0") "," POD("p2", "2", "n2") "," OTHER("k", "'count':1", "n3") "," POOL "," GANG(",'spares':{'count':1}", ""), "replace ns/g Replacing 0:n0>s1 2:n2>s3 -2" },
		{ "not for one that does not run", FABRIC(FENCED, "", "", "") "," SPARES "," POD("p0", "0", "n0") "," OTHER("k", "'count':3", "") "," POOL "," GANG("", ""), "replace ns/g Replacing 0:n0>s1 -1" },
		{ "nor from a pool that does not serve it", FABRIC(FENCED, "", "", "") "," SPARES "," POD("p0", "0", "n0") "," OTHER("k", "'count':3,'pool':'other'", "n2") "," POOL "," GANG("", ""), "replace ns/g Replacing 0:n0>s1 -1" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(rows[i].what, swap_decide, rows[i].objects, NOW, rows[i].want);
	struct fleet *f = cluster(rows[1].objects, NOW);
	autojson json_t *d = swap_decide(f);
	assert_string_equal(json_str(json_array_get(d, 0), "message"), "not repaired: 1 node failed, 0 can be replaced (0 free spares; 3 more kept for other gangs)");
	fleet_free(f);
}

/* --- hostile objects: every place of a whole cluster replaced by what does not belong there ------------------------------------ */

static json_t *foreign(size_t k)
{
	static char wide[5000];
	memset(wide, 'x', sizeof(wide) - 1);
	switch (k) {
	case 0: return json_null();
	case 1: return json_integer(INT64_MIN);
	case 2: return json_integer(INT64_MAX);
	case 3: return json_real(1e308);
	case 4: return json_array();
	case 5: return json_object();
	case 6: return json_string("");
	case 7: return json_string(wide);
	default: return json_true();
	}
}

/* Puts FOREIGN(k) at the place number *AT, counted depth first; false when there are fewer places. */
static bool replace(json_t *j, size_t *at, size_t k)
{
	const char *key;
	void *tmp;
	json_t *v;
	size_t i;
	json_object_foreach_safe(j, tmp, key, v) {
		if ((*at)-- == 0) {
			json_object_set_new(j, key, foreign(k));
			return true;
		}
		if (replace(v, at, k))
			return true;
	}
	json_array_foreach(j, i, v) {
		if ((*at)-- == 0) {
			json_array_set_new(j, i, foreign(k));
			return true;
		}
		if (replace(v, at, k))
			return true;
	}
	return false;
}

static void decide_all(const json_t *list)
{
	static json_t *(*const decides[])(const struct fleet *) = { health_decide, guard_decide, swap_decide, pools_decide, topologies_decide, undo_decide, marks_decide };
	struct err err;
	struct fleet *f = fleet_new(time_parse(NOW));
	if (fleet_add(f, list, &err) == 0) {
		fleet_settle(f);
		for (size_t i = 0; i < ARRAY_LEN(decides); i++) {
			autojson json_t *d = decides[i](f);
			see(d);
		}
	}
	fleet_free(f);
}

static void hostile(void **unused)
{
	(void)unused;
	char *text = xstrdup("{'apiVersion':'v1','kind':'List','items':[" FABRIC(FENCED, "", "", FENCED) "," SPARES "," RUNS "," POOL
			     "," GANG(",'required':'leaf','slices':[{'size':2,'level':'nvlink'}],'repair':{'maxNodes':9,'widest':'leaf'},'spares':{'pool':'spares'}", ENTRY("0", "n0", "s1"))
			     "," POLICY(LIMIT("leaf", "50") ",'nodeSelector':{},'conditions':[{'type':'F*','forSeconds':1}],'xid':{'overrides':[{'code':79,'action':'Fence'}]}")
			     "," NODE("n9", ",'aipc.dev/mig-layout':'x'", FENCE("reboot", "") "," SUSPECT(NOW) ",'aipc.dev/xid':'79@" NOW ",48'", FENCED, BAD("Fan", "True", NOW))
			     "," EVENT("n9", NOW, "Xid (PCI:1): 154, to 0x2") ",{'apiVersion':'aipc.dev/v1alpha1','kind':'FabricTopology'," META("default", "")
			     ",'spec':{'levels':[{'name':'leaf','alias':'l','nodeLabel':'aipc.dev/leaf'},{'name':'nvlink','nodeLabel':'aipc.dev/nvlink-domain'}]}}]}");
	json_t *whole = NULL;
	size_t places = 0;
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	assert_int_equal(json_parse(text, strlen(text), "test", &whole, NULL), 0);
	decide_all(whole);
	for (bool more = true; more; places++) {
		for (size_t k = 0; k < 9 && more; k++) {
			json_t *copy = json_deep_copy(whole);
			size_t at = places;
			more = replace(copy, &at, k);
			decide_all(copy);
			json_decref(copy);
		}
	}
	assert_true(places > 300);
	json_decref(whole);
	free(text);
}

#define GOING ",'deletionTimestamp':'2026-11-25T11:59:00Z','finalizers':['aipc.dev/fences']"
#define RULES(name, meta, spec) "{'apiVersion':'aipc.dev/v1alpha1','kind':'NodeHealthPolicy'," META(name, meta) ",'spec':{" spec "}}"
#define FENCE_OF(policy) "'aipc.dev/fence':'{\\'reason\\':\\'NotReady\\',\\'since\\':\\'2026-11-25T10:00:00Z\\',\\'until\\':\\'sign\\',\\'policy\\':\\'" policy "\\'}'"
#define GUARD_OF(policy) "'aipc.dev/guard-note':'{\\'reason\\':\\'GpuCount\\',\\'since\\':\\'2026-11-25T10:00:00Z\\',\\'policy\\':\\'" policy "\\'}'"

static void undo(void **unused)
{
	(void)unused;
	static const struct { const char *what, *objects, *want; } rows[] = {
		{ "a new policy", RULES("p", "", ""), "hold-end p Ruling" },
		{ "one that has it", RULES("p", ",'finalizers':['x','aipc.dev/fences']", ""), "" },
		{ "one that goes without ever having ruled", RULES("p", ",'deletionTimestamp':'2026-11-25T11:59:00Z','finalizers':['x']", ""), "" },
		{ "nothing to undo", NODE("n1", "", "", "", READY) "," RULES("p", GOING, ""), "release p PolicyDeleted" },
		{ "its fence", NODE("n1", "", FENCE_OF("p"), FENCED, READY) "," RULES("p", GOING, ""), "lift n1 PolicyDeleted" },
		{ "its guard", NODE("n1", "", GUARD_OF("p"), GUARDED, READY) "," NODE("n2", "", GUARD_OF("p"), "", READY) "," RULES("p", GOING, ""),
		  "unguard n1 PolicyDeleted; unsuspect n2 PolicyDeleted" },
		{ "the fence of another", NODE("n1", "", FENCE_OF("q"), FENCED, READY) "," RULES("p", GOING, ""), "release p PolicyDeleted" },
		{ "a taint of others", NODE("n1", "", "", FENCED, READY) "," RULES("p", GOING, ""), "release p PolicyDeleted" },
		{ "another policy takes over", NODE("n1", "", FENCE_OF("p"), FENCED, READY) "," RULES("p", GOING, "") "," RULES("q", ",'finalizers':['aipc.dev/fences']", ""),
		  "release p PolicyDeleted" },
		{ "another policy that does not rule the node", NODE("n1", "", FENCE_OF("p"), FENCED, READY) "," RULES("p", GOING, "") ","
		  RULES("q", ",'finalizers':['aipc.dev/fences']", "'nodeSelector':{'a':'b'}"), "lift n1 PolicyDeleted" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(rows[i].what, undo_decide, rows[i].objects, NOW, rows[i].want);
	/* A policy that goes rules nothing more. */
	expect("deleting", health_decide, NODE("n1", "", "'aipc.dev/xid':'79'", "", READY) "," RULES("p", GOING, ALL), NOW, "");
}

#define MARK(type, status, reason) READY ",{'type':'" type "','status':'" status "','reason':'" reason "'}"

static void marked(void **unused)
{
	(void)unused;
	static const struct { const char *what, *objects, *want; } rows[] = {
		{ "nothing", NODE("n1", "", "", "", READY), "" },
		{ "fenced, not shown", NODE("n1", "", FENCE_OF("p"), FENCED, READY), "AipcFenced=True:XidResetGpu" },
		{ "fenced, shown", NODE("n1", "", FENCE_OF("p"), FENCED, MARK("AipcFenced", "True", "XidResetGpu")), "" },
		{ "fenced for something else", NODE("n1", "", FENCE_OF("p"), FENCED, MARK("AipcFenced", "True", "NotReady")), "AipcFenced=True:XidResetGpu" },
		{ "by others", NODE("n1", "", "", FENCED, READY), "" },
		{ "free, not shown", NODE("n1", "", "", "", MARK("AipcFenced", "True", "XidResetGpu")), "AipcFenced=False:Free" },
		{ "free, shown", NODE("n1", "", "", "", MARK("AipcFenced", "False", "Free")), "" },
		{ "guarded and fenced", NODE("n1", "", FENCE_OF("p") "," GUARD_OF("p"), "'taints':[{'key':'aipc.dev/unhealthy','value':'A'},{'key':'aipc.dev/guard','value':'B'}]", READY),
		  "AipcFenced=True:A AipcGuarded=True:B" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fleet *f = cluster(rows[i].objects, NOW);
		autojson json_t *d = marks_decide(f);
		see(d);
		autostr struct str s;
		size_t k;
		json_t *c;
		str_init(&s, 1000);
		json_array_foreach(json_at(json_array_get(d, 0), "conditions"), k, c) {
			str_addf(&s, "%s%s=%s:%s", k ? " " : "", json_str(c, "type"), json_str(c, "status"), json_str(c, "reason"));
		}
		if (strcmp(s.at, rows[i].want) != 0)
			fail_msg("%s\n  got:  %s\n  want: %s", rows[i].what, s.at, rows[i].want);
		fleet_free(f);
	}
}

/* When a decision would come out otherwise with nothing changed; "" when never. */
static void due(void **unused)
{
	(void)unused;
	static const struct { const char *what; json_t *(*decide)(const struct fleet *f); const char *objects, *want; } rows[] = {
		{ "all is well", health_decide, NODE("n1", "", "", "", READY) "," POLICY(ALL), "" },
		{ "not ready for two minutes of five", health_decide, NODE("n1", "", "", "", "{'type':'Ready','status':'False','lastTransitionTime':'2026-11-25T11:58:00Z'}") "," POLICY(ALL), "2026-11-25T12:03:00Z" },
		{ "a rule that waits", health_decide, NODE("n1", "", "", "", BAD("Fan", "True", "2026-11-25T11:59:50Z")) "," POLICY(ALL ",'conditions':[{'type':'Fan','forSeconds':60}]"), "2026-11-25T12:00:50Z" },
		{ "recovering", health_decide, NODE("n1", "", FENCE("reboot", ",\\'clear\\':\\'2026-11-25T11:58:00Z\\'"), FENCED, READY) "," POLICY(ALL), "2026-11-25T12:03:00Z" },
		{ "an event that will be too old", health_decide, NODE("n1", "", "", "", READY) "," POLICY(ALL) "," EVENT("n1", "2026-11-25T11:30:00Z", "Xid 999"), "2026-11-25T12:30:00Z" },
		{ "the grace", guard_decide, GPUS(",'aipc.dev/gpu-count':'8'", SUSPECT("2026-11-25T11:59:00Z"), "", "'nvidia.com/gpu':'7'"), "2026-11-25T12:01:00Z" },
		{ "tainted: only agreement ends it", guard_decide, GPUS(",'aipc.dev/gpu-count':'8'", SUSPECT("2026-11-25T11:59:00Z"), GUARDED, "'nvidia.com/gpu':'7'"), "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fleet *f = cluster(rows[i].objects, NOW);
		char when[32] = "";
		json_decref(rows[i].decide(f));
		if (*f->due_ms != INT64_MAX)
			clock_stamp(*f->due_ms, when);
		if (strcmp(when, rows[i].want) != 0)
			fail_msg("%s: due \"%s\", wanted \"%s\"", rows[i].what, when, rows[i].want);
		fleet_free(f);
	}
}

static void catalogue(void **unused)
{
	(void)unused;
	static const struct { const char *text; int codes[4]; } lines[] = {
		{ "NVRM: Xid (PCI:0000:1b:00): 79, pid=1, GPU has fallen off", { 79 } },
		{ "Xid 13 then Xid: 31, Xid=43", { 13, 31, 43 } },
		{ "SXid (PCI:0000:1b:00): 20034, Fatal", { 0 } },
		{ "Xid (PCI:0000:1b:00", { 0 } }, { "Xid", { 0 } }, { "Xid 0 Xid 99999999999999999999", { 0 } }, { "", { 0 } },
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		const char *p = lines[i].text;
		int code;
		for (size_t k = 0; k < 4; k++) {
			bool more = lines[i].codes[k] != 0;
			assert_int_equal(xid_scan(&p, &code), more);
			if (!more)
				break;
			assert_int_equal(code, lines[i].codes[k]);
		}
	}
	static const struct { int code; const char *product, *bucket; } rows[] = {
		{ 79, NULL, "reboot_node" }, { 63, NULL, "ignore" }, { 94, NULL, "restart_app" }, { 95, NULL, "reset_gpu" }, { 48, NULL, "workflow" }, { 54, NULL, "contact_support" },
		{ 1, NULL, "contact_support" }, { 165, NULL, "unknown" }, { 173, NULL, "unknown" }, { 136, "H100-SXM5-80GB", "reset_gpu" }, { 136, "A100-SXM4-80GB", "unknown" },
		{ 74, "H100", "workflow" }, { 74, "GB200", "unknown" }, { 136, NULL, "reset_gpu" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct xid_verdict v;
		xid_judge(rows[i].code, rows[i].product, NULL, &v);
		assert_string_equal(v.bucket, rows[i].bucket);
	}
	static const struct { const char *text; int64_t ms; } times[] = {
		{ "1970-01-01T00:00:01Z", 1000 }, { "2026-11-25T12:00:00.123456Z", 1795608000000 }, { "2026-11-25T13:00:00+01:00", 1795608000000 }, { "2026-11-25", -1 },
		{ "2026-13-25T12:00:00Z", -1 }, { "2026-11-25T12:00:00", -1 }, { "2026-11-25T12:00:00+1", -1 }, { "", -1 }, { NULL, -1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		assert_true(time_parse(times[i].text) == times[i].ms);
}

/* --- telling ----------------------------------------------------------------------------------------------------------------- */

/* The sum of the samples of FAMILY whose labels hold DO. */
static double counted(const struct metrics *m, const char *family, const char *what)
{
	autostr struct str text;
	autofree char *label = xasprintf("do=\"%s\"", what);
	double sum = 0;
	str_init(&text, STR_OURS);
	metrics_write(m, &text);
	for (char *line = strtok(text.at, "\n"); line; line = strtok(NULL, "\n"))
		if (strncmp(line, family, strlen(family)) == 0 && strstr(line, label))
			sum += strtod(strrchr(line, ' '), NULL);
	return sum;
}

struct teller { struct role_run run; struct ctl l; };

static void teller_open(struct teller *t)
{
	*t = (struct teller){ .run = { .metrics = metrics_new(), .events = kube_recorder_new(NULL, "aipc.dev/test", "test") } };
	t->l.run = &t->run;
	ctl_metrics(&t->l);
}

static void teller_close(struct teller *t)
{
	ctl_forget(&t->l);
	metrics_free(t->run.metrics);
	kube_recorder_free(t->run.events);
}

/* Every kind of decision is an event and a metric, and every kind is one that the tests above have seen decided. */
static void all_kinds_are_told(void **unused)
{
	struct teller t;
	(void)unused;
	teller_open(&t);
	for (size_t i = 0; i < DECISION_KINDS; i++) {
		const struct decision_kind *k = &decision_kinds[i];
		autojson json_t *d = json_pack("{s:s,s:s,s:s}", "do", k->what, "reason", "Because", "message", "so it is");
		told_now(&t.l, CTL_NODE, NULL, "n1", "u-n1", &(struct told){ "test", d, false, false });
		assert_true(*k->action);
		assert_int_equal(kube_recorder_stats(t.run.events).told, i + 1);
		if (counted(t.run.metrics, "aipc_controller_decisions_total", k->what) != 1)
			fail_msg("%s is not counted", k->what);
		if (!seen[i])
			fail_msg("no test has seen \"%s\" decided", k->what);
		for (size_t n = 0; n < i; n++)
			assert_string_not_equal(decision_kinds[n].what, k->what);
		/* Numbers that move are counted, no event. */
		told_now(&t.l, CTL_NODE, NULL, "n1", "u-n1", &(struct told){ "test", d, false, true });
		assert_int_equal(kube_recorder_stats(t.run.events).told, i + 1);
		assert_true(counted(t.run.metrics, "aipc_controller_decisions_total", k->what) == 2);
	}
	teller_close(&t);
}

/* What is planned of each decision tells it: with its write, or at once where it stands. */
static void all_plans_tell(void **unused)
{
	static const struct { const char *what; json_t *(*decide)(const struct fleet *); void (*plan)(struct round *, const char *, const json_t *); const char *objects; } rows[] = {
		{ "hold-end", undo_decide, plan_policy, RULES("p", "", "") },
		{ "release", undo_decide, plan_policy, RULES("p", GOING, "") },
		{ "lift", undo_decide, plan_policy, NODE("n1", "", FENCE_OF("p"), FENCED, READY) "," RULES("p", GOING, "") },
		{ "mark", marks_decide, plan_mark, NODE("n1", "", FENCE_OF("p"), FENCED, READY) },
		{ "fence", health_decide, plan_health, NODE("n1", "", "'aipc.dev/xid':'79'", "", READY) "," RULES("p", ",'finalizers':['aipc.dev/fences']", ALL) },
		{ "would-fence", health_decide, plan_health, NODE("n1", "", "'aipc.dev/xid':'79'", "", READY) "," RULES("p", "", "'dryRun':true," ALL) },
		{ "status", topologies_decide, plan_status, "{'apiVersion':'aipc.dev/v1alpha1','kind':'FabricTopology'," META("default", "") ",'spec':{'preset':'aipc'}}" },
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct teller t;
		teller_open(&t);
		struct fleet *f = cluster(rows[i].objects, NOW);
		struct round r = { .l = &t.l, .f = f };
		autojson json_t *list = rows[i].decide(f);
		size_t k, told = 0;
		json_t *d;
		assert_true(json_array_size(list) > 0);
		json_array_foreach(list, k, d) {
			rows[i].plan(&r, "test", d);
		}
		for (size_t w = 0; w < r.writes.len; w++) {
			const struct write *at = r.writes.at[w];
			for (size_t n = 0; n < at->told.len; n++)
				told += strcmp(json_str(at->told.at[n].decision, "do"), rows[i].what) == 0;
			json_decref(at->body);
			vec_free(&r.writes.at[w]->told);
		}
		told += (size_t)counted(t.run.metrics, "aipc_controller_standing", rows[i].what);
		if (told != 1)
			fail_msg("%s: told %zu times", rows[i].what, told);
		vec_free(&r.writes);
		round_free(&r);
		fleet_free(f);
		teller_close(&t);
	}
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(health), cmocka_unit_test(blast_radius), cmocka_unit_test(guard), cmocka_unit_test(spare_swap), cmocka_unit_test(pools_and_topologies),
		cmocka_unit_test(one_spare_two_gangs), cmocka_unit_test(spares_are_kept), cmocka_unit_test(hostile), cmocka_unit_test(undo), cmocka_unit_test(marked), cmocka_unit_test(due), cmocka_unit_test(catalogue),
		cmocka_unit_test(all_kinds_are_told), cmocka_unit_test(all_plans_tell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
