/* bench/kube - the streaming JSON reader beside jansson on the same bytes in the same run: a list of 10,000 pods, and as many watch events.
 *
 * Figures, the best of three processes each: cpu (MB/s of one core), speed (ratio to jansson, higher is better), memory (what the
 * parsed pods take, measured as growth of the resident set; ratio to jansson, lower is better). "whole": everything is kept; "kept": what
 * a scheduler keeps. The bytes come in pieces of 16 KiB, as from a socket. Lines: bench NAME FIGURE VALUE UNIT. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/doc.h"

enum { PODS = 10000, PIECE = 16384, TIMES = 3 };

struct figure { double cpu_s, bytes; size_t objects; };

static const char *const keep_of_list[] = {
	"metadata.name", "metadata.namespace", "metadata.uid", "metadata.resourceVersion", "metadata.deletionTimestamp", "metadata.labels",
	"metadata.annotations[aipc.dev/*]", "spec.nodeName", "spec.schedulerName", "spec.priority", "spec.nodeSelector", "spec.affinity", "spec.tolerations",
	"spec.containers.resources", "spec.containers.ports", "spec.initContainers.resources", "spec.overhead", "status.phase", NULL
};
static const char *const keep_of_events[] = {
	"type", "object.metadata.name", "object.metadata.namespace", "object.metadata.uid", "object.metadata.resourceVersion", "object.metadata.deletionTimestamp",
	"object.metadata.labels", "object.metadata.annotations[aipc.dev/*]", "object.spec.nodeName", "object.spec.schedulerName", "object.spec.priority",
	"object.spec.nodeSelector", "object.spec.affinity", "object.spec.tolerations", "object.spec.containers.resources", "object.spec.containers.ports",
	"object.spec.initContainers.resources", "object.spec.overhead", "object.status.phase", NULL
};

static struct str list, events;

/* What a training pod looks like on a real server, about 5 KB: most of it is managedFields, environment and status. */
static void add_pod(struct str *s, int i)
{
	str_addf(s, "{\"metadata\":{\"name\":\"train-%05d\",\"generateName\":\"train-\",\"namespace\":\"team-%d\",\"uid\":\"5f0c1d6e-0000-4000-8000-%012d\","
		 "\"resourceVersion\":\"%d\",\"creationTimestamp\":\"2026-10-31T14:03:59Z\",\"labels\":{\"app\":\"train\",\"batch.kubernetes.io/job-name\":\"train-%d\","
		 "\"batch.kubernetes.io/job-completion-index\":\"%d\",\"pod-template-hash\":\"7d9f8c6b5\"},\"annotations\":{\"aipc.dev/rank\":\"%d\",\"aipc.dev/domain\":"
		 "\"fabric-0/spine-1/leaf-%d\",\"prometheus.io/scrape\":\"true\",\"kubectl.kubernetes.io/restartedAt\":\"2026-10-31T14:00:00Z\"},\"ownerReferences\":[{"
		 "\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"name\":\"train-%d\",\"uid\":\"9e1c1d6e-0000-4000-8000-%012d\",\"controller\":true,\"blockOwnerDeletion\":true}],"
		 "\"managedFields\":[", i, i % 16, i, 1000 + i, i / 128, i % 128, i % 128, i % 32, i / 128, i / 128);
	for (int m = 0; m < 3; m++)
		str_addf(s, "%s{\"manager\":\"manager-%d\",\"operation\":\"Update\",\"apiVersion\":\"v1\",\"time\":\"2026-10-31T14:03:59Z\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{"
			 "\"f:metadata\":{\"f:labels\":{\".\":{},\"f:app\":{},\"f:batch.kubernetes.io/job-name\":{}},\"f:ownerReferences\":{\".\":{},\"k:{\\\"uid\\\":\\\"9e1c\\\"}\":{}}},"
			 "\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"main\\\"}\":{\".\":{},\"f:image\":{},\"f:imagePullPolicy\":{},\"f:name\":{},\"f:resources\":{\".\":{},"
			 "\"f:limits\":{},\"f:requests\":{}},\"f:terminationMessagePath\":{},\"f:terminationMessagePolicy\":{}}},\"f:restartPolicy\":{},\"f:schedulerName\":{}}}}",
			 m ? "," : "", m);
	str_add(s, "]},\"spec\":{\"volumes\":[{\"name\":\"token\",\"projected\":{\"sources\":[{\"serviceAccountToken\":{\"expirationSeconds\":3607,\"path\":\"token\"}},{"
		"\"configMap\":{\"name\":\"kube-root-ca.crt\",\"items\":[{\"key\":\"ca.crt\",\"path\":\"ca.crt\"}]}}],\"defaultMode\":420}}],\"containers\":[{\"name\":\"main\","
		"\"image\":\"registry.example/team/train:2026.10.31\",\"command\":[\"torchrun\",\"--nnodes=16\",\"--nproc-per-node=8\",\"train.py\"],\"env\":[");
	for (int e = 0; e < 12; e++)
		str_addf(s, "%s{\"name\":\"NCCL_SETTING_%d\",\"value\":\"value of setting %d, \\\"quoted\\\"\"}", e ? "," : "", e, e);
	str_addf(s, "],\"resources\":{\"limits\":{\"cpu\":\"96\",\"memory\":\"1Ti\",\"nvidia.com/gpu\":\"8\"},\"requests\":{\"cpu\":\"96\",\"memory\":\"1Ti\",\"nvidia.com/gpu\":\"8\"}},"
		 "\"volumeMounts\":[{\"name\":\"token\",\"readOnly\":true,\"mountPath\":\"/var/run/secrets/kubernetes.io/serviceaccount\"}],\"terminationMessagePath\":"
		 "\"/dev/termination-log\",\"terminationMessagePolicy\":\"File\",\"imagePullPolicy\":\"IfNotPresent\"}],\"restartPolicy\":\"Never\",\"terminationGracePeriodSeconds\":30,"
		 "\"dnsPolicy\":\"ClusterFirst\",\"nodeName\":\"gpu-%04d\",\"securityContext\":{},\"schedulerName\":\"aipc\",\"tolerations\":[{\"key\":\"nvidia.com/gpu\",\"operator\":"
		 "\"Exists\",\"effect\":\"NoSchedule\"}],\"priority\":1000,\"enableServiceLinks\":true},\"status\":{\"phase\":\"Running\",\"conditions\":[", i % 2000);
	for (int c = 0; c < 5; c++)
		str_addf(s, "%s{\"type\":\"Condition%d\",\"status\":\"True\",\"lastProbeTime\":null,\"lastTransitionTime\":\"2026-10-31T14:04:0%dZ\"}", c ? "," : "", c, c);
	str_addf(s, "],\"hostIP\":\"10.0.0.1\",\"podIP\":\"10.1.%d.%d\",\"startTime\":\"2026-10-31T14:03:59Z\",\"containerStatuses\":[{\"name\":\"main\",\"state\":{\"running\":{"
		 "\"startedAt\":\"2026-10-31T14:04:05Z\"}},\"ready\":true,\"restartCount\":0,\"imageID\":\"sha256:%064d\",\"started\":true}],\"qosClass\":\"Guaranteed\"}}",
		 i / 256 % 256, i % 256, i);
}

static void make_input(void)
{
	str_init(&list, STR_OURS);
	str_init(&events, STR_OURS);
	str_add(&list, "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"99\"},\"items\":[");
	for (int i = 0; i < PODS; i++) {
		if (i)
			str_addc(&list, ',');
		add_pod(&list, i);
		str_add(&events, "{\"type\":\"MODIFIED\",\"object\":");
		add_pod(&events, i);
		str_add(&events, "}\n");
	}
	str_add(&list, "]}\n");
}

static double cpu_s(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double resident(void)
{
	long pages = 0, skip;
	FILE *f = fopen("/proc/self/statm", "r");
	if (!f || fscanf(f, "%ld %ld", &skip, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

struct kept { struct doc **at; size_t n; };

static int keep_it(void *arg, struct doc *d, struct err *err)
{
	struct kept *k = arg;
	(void)err;
	k->at[k->n++] = d;
	return 0;
}

static bool read_with(const struct str *in, const char *split, const char *const *keep, struct figure *f)
{
	struct kept k = { xcalloc(PODS + 8, sizeof(*k.at)), 0 };
	struct doc_filter *filter = doc_filter_new(keep);
	struct doc_reader *r = doc_reader_new(filter, split, keep_it, &k);
	struct err err = { 0 };
	int rc = 0;
	double before = cpu_s(), memory = resident();
	for (size_t i = 0; i < in->len && rc == 0; i += PIECE)
		rc = doc_reader_feed(r, in->at + i, in->len - i < PIECE ? in->len - i : PIECE, &err);
	rc = rc ? rc : doc_reader_end(r, &err);
	f->cpu_s = cpu_s() - before;
	doc_reader_free(r);
	malloc_trim(0);
	f->bytes = resident() - memory;
	f->objects = k.n;
	if (rc)
		fprintf(stderr, "bench/kube: %s\n", err.msg);
	return rc == 0;
}

static bool list_whole(struct figure *f) { return read_with(&list, "items", NULL, f) && --f->objects; }
static bool list_kept(struct figure *f) { return read_with(&list, "items", keep_of_list, f) && --f->objects; }
static bool events_whole(struct figure *f) { return read_with(&events, NULL, NULL, f); }
static bool events_kept(struct figure *f) { return read_with(&events, NULL, keep_of_events, f); }

static bool list_jansson(struct figure *f)
{
	double before = cpu_s(), memory = resident();
	json_t *j = json_loadb(list.at, list.len, 0, NULL);
	f->cpu_s = cpu_s() - before;
	malloc_trim(0);
	f->bytes = resident() - memory;
	f->objects = json_array_size(json_object_get(j, "items"));
	return j != NULL;
}

static bool events_jansson(struct figure *f)
{
	json_t **all = xcalloc(PODS, sizeof(*all));
	const char *p = events.at, *end = events.at + events.len;
	double before = cpu_s(), memory = resident();
	while (p < end && f->objects < PODS) {
		const char *line = memchr(p, '\n', (size_t)(end - p));
		all[f->objects] = json_loadb(p, (size_t)(line - p), 0, NULL);
		if (!all[f->objects++])
			return false;
		p = line + 1;
	}
	f->cpu_s = cpu_s() - before;
	malloc_trim(0);
	f->bytes = resident() - memory;
	return true;
}

/* The best of TIMES, each in a process of its own; objects 0: it failed. */
static struct figure measure(bool (*work)(struct figure *f))
{
	struct figure best = { 1e9, 0, 0 };
	for (int i = 0; i < TIMES; i++) {
		struct figure f = { 0 };
		int fd[2], status;
		if (pipe(fd) != 0)
			return f;
		pid_t pid = fork();
		if (pid == 0)
			_exit(work(&f) && write(fd[1], &f, sizeof(f)) == sizeof(f) ? 0 : 1);
		close(fd[1]);
		bool got = read(fd[0], &f, sizeof(f)) == sizeof(f);
		close(fd[0]);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status || !got)
			return (struct figure){ 0 };
		best = f.cpu_s < best.cpu_s ? f : best;
	}
	return best;
}

static void say(const char *name, const struct str *in, const struct figure *f, const struct figure *beside)
{
	printf("bench %s cpu %.0f MB/s\n", name, (double)in->len / 1e6 / f->cpu_s);
	printf("bench %s memory %.1f MB/10k_pods\n", name, f->bytes / 1e6);
	if (f != beside)
		printf("bench %s speed_to_jansson %.2f ratio\nbench %s memory_to_jansson %.3f ratio\n", name, beside->cpu_s / f->cpu_s, name, f->bytes / beside->bytes);
}

int main(void)
{
	static const struct { const char *name; bool (*work)(struct figure *f); const struct str *in; } benches[] = {
		{ "kube_list_jansson", list_jansson, &list }, { "kube_list_whole", list_whole, &list }, { "kube_list_kept", list_kept, &list },
		{ "kube_events_jansson", events_jansson, &events }, { "kube_events_whole", events_whole, &events }, { "kube_events_kept", events_kept, &events },
	};
	struct figure beside = { 0 };
	int bad = 0;
	json_setup();
	make_input();
	printf("bench kube_input bytes_per_pod %.0f bytes\n", (double)list.len / PODS);
	for (size_t i = 0; i < ARRAY_LEN(benches); i++) {
		struct figure f = measure(benches[i].work);
		if (i % 3 == 0)
			beside = f;
		if (f.objects == PODS && beside.objects == PODS) {
			say(benches[i].name, benches[i].in, i % 3 ? &f : &beside, &beside);
			continue;
		}
		fprintf(stderr, "bench/kube: %s: %zu objects, not %d\n", benches[i].name, f.objects, PODS);
		bad = 1;
	}
	return bad;
}
