/* Every filter, a row for each rule that is easy to get wrong; each was seen in kube-scheduler 1.36.3's own plugins (tests/oracle). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "runtime/scheduler/between.h"
#include "runtime/scheduler/filter.h"
#include "tests/unit/runtime/fixture.h"

/* Objects are written with ' for ". NODE and WAITER are bodies of metadata, spec and status; OTHERS is a list of whole objects. */
struct row { const char *name, *node, *waiter, *others, *why; };

#define ROOM "'status':{'allocatable':{'cpu':'4','memory':'8Gi','pods':'10','ephemeral-storage':'1Gi','nvidia.com/gpu':'2','hugepages-2Mi':'4Mi'}}"
#define NODE(meta, spec) "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n'" meta "},'spec':{" spec "}," ROOM "}"
#define POD(meta, spec) "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p','namespace':'default'" meta "},'spec':{" spec "}}"
#define OTHER(name, meta, spec, status) \
	"{'apiVersion':'v1','kind':'Pod','metadata':{'name':'" name "','namespace':'default'" meta "},'spec':{'nodeName':'n'" spec "},'status':{" status "}}"
#define ASKS(list) "'containers':[{'name':'c','resources':{'requests':{" list "}}}]"
#define PLAIN NODE("", "")

static const struct row resources[] = {
	{ "fits exactly", PLAIN, POD("", ASKS("'cpu':'4','memory':'8Gi','nvidia.com/gpu':'2'")), NULL, NULL },
	{ "one milli too much", PLAIN, POD("", ASKS("'cpu':'4001m'")), NULL, "insufficient cpu" },
	{ "fractions sum before they are rounded", PLAIN,
	  POD("", "'containers':[{'name':'a','resources':{'requests':{'nvidia.com/gpu':'500m'}}},{'name':'b','resources':{'requests':{'nvidia.com/gpu':'1500m'}}}]"), NULL, NULL },
	{ "each is rounded up to thousandths, as the API server stores it", PLAIN,
	  POD("", "'containers':[{'name':'a','resources':{'requests':{'cpu':'1999.1m'}}},{'name':'b','resources':{'requests':{'cpu':'2000.1m'}}}]"), NULL, "asks for 4001m" },
	{ "rounded up once, per pod", PLAIN, POD("", ASKS("'nvidia.com/gpu':'2001m'")), NULL, "insufficient nvidia.com/gpu" },
	{ "limits are requests where there are none", PLAIN, POD("", "'containers':[{'name':'c','resources':{'limits':{'cpu':'5'}}}]"), NULL, "insufficient cpu" },
	{ "a limit does not raise a request", PLAIN, POD("", "'containers':[{'name':'c','resources':{'limits':{'cpu':'5'},'requests':{'cpu':'1'}}}]"), NULL, NULL },
	{ "init containers: the largest counts", PLAIN,
	  POD("", ASKS("'cpu':'1'") ",'initContainers':[{'name':'i','resources':{'requests':{'cpu':'4'}}},{'name':'j','resources':{'requests':{'cpu':'3'}}}]"), NULL, NULL },
	{ "a sidecar counts beside later init containers", PLAIN,
	  POD("", ASKS("'cpu':'1'") ",'initContainers':[{'name':'s','restartPolicy':'Always','resources':{'requests':{'cpu':'1'}}},"
	      "{'name':'i','resources':{'requests':{'cpu':'3500m'}}}]"), NULL, "insufficient cpu" },
	{ "a sidecar does not count beside earlier ones", PLAIN,
	  POD("", ASKS("'cpu':'1'") ",'initContainers':[{'name':'i','resources':{'requests':{'cpu':'3500m'}}},"
	      "{'name':'s','restartPolicy':'Always','resources':{'requests':{'cpu':'1'}}}]"), NULL, NULL },
	{ "overhead", PLAIN, POD("", ASKS("'cpu':'4'") ",'overhead':{'cpu':'1m'}"), NULL, "insufficient cpu" },
	{ "pod-level requests replace the sum", PLAIN, POD("", ASKS("'cpu':'5'") ",'resources':{'requests':{'cpu':'1'}}"), NULL, NULL },
	{ "a pod-level limit is a request where no container asks", PLAIN, POD("", ASKS("'memory':'1'") ",'resources':{'limits':{'cpu':'5'}}"), NULL, "insufficient cpu" },
	{ "a pod-level limit raises nothing that containers asked", PLAIN, POD("", ASKS("'cpu':'1'") ",'resources':{'limits':{'cpu':'5'}}"), NULL, NULL },
	{ "pod level knows no devices", PLAIN, POD("", ASKS("'nvidia.com/gpu':'3'") ",'resources':{'requests':{'nvidia.com/gpu':'1'}}"), NULL, "insufficient nvidia.com/gpu" },
	{ "zero fits an overcommitted node", PLAIN, POD("", ASKS("'cpu':'0'")), OTHER("o", "", "," ASKS("'cpu':'9'"), ""), NULL },
	{ "but nothing more does", PLAIN, POD("", ASKS("'cpu':'1m'")), OTHER("o", "", "," ASKS("'cpu':'9'"), ""), "insufficient cpu" },
	{ "finished pods are gone", PLAIN, POD("", ASKS("'cpu':'4'")), OTHER("o", "", "," ASKS("'cpu':'4'"), "'phase':'Succeeded'"), NULL },
	{ "terminating pods are not", PLAIN, POD("", ASKS("'cpu':'4'")), OTHER("o", ",'deletionTimestamp':'2026-01-01T00:00:00Z'", "," ASKS("'cpu':'4'"), ""), "insufficient cpu" },
	{ "a resize counts with its larger side", PLAIN, POD("", ASKS("'cpu':'2'")),
	  OTHER("o", "", "," ASKS("'cpu':'1'"), "'containerStatuses':[{'name':'c','resources':{'requests':{'cpu':'1'}},'allocatedResources':{'cpu':'3'}}]"), "insufficient cpu" },
	{ "an infeasible resize counts what is", PLAIN, POD("", ASKS("'cpu':'2'")),
	  OTHER("o", "", "," ASKS("'cpu':'4'"), "'conditions':[{'type':'PodResizePending','reason':'Infeasible'}],"
		"'containerStatuses':[{'name':'c','resources':{'requests':{'cpu':'1'}},'allocatedResources':{'cpu':'2'}}]"), NULL },
	{ "ephemeral storage", PLAIN, POD("", ASKS("'ephemeral-storage':'1025Mi'")), NULL, "insufficient ephemeral-storage" },
	{ "hugepages", PLAIN, POD("", ASKS("'hugepages-2Mi':'6Mi'")), NULL, "insufficient hugepages-2Mi" },
	{ "a resource no node has", PLAIN, POD("", ASKS("'example.com/x':'1'")), NULL, "insufficient example.com/x" },
	{ "none of it fits anywhere", PLAIN, POD("", ASKS("'example.com/x':'0'")), NULL, NULL },
	{ "an unreadable quantity is refused", PLAIN, POD("", ASKS("'cpu':'Gi'")), NULL, "cannot be read" },
	{ "too large a quantity is refused", PLAIN, POD("", ASKS("'cpu':'1e2147483647'")), NULL, "beyond 63 bits" },
	{ "pods per node", "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n'},'status':{'allocatable':{'cpu':'4','pods':'1'}}}", POD("", ""),
	  OTHER("o", "", "", ""), "too many pods" },
	{ "capacity stands in for allocatable", "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n'},'status':{'capacity':{'cpu':'4','pods':'1'}}}", POD("", ASKS("'cpu':'4'")), NULL, NULL },
	{ "no room for pods said, none there", "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n'}}", POD("", ""), NULL, "too many pods" },
};

#define AFFINITY(terms) "'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[" terms "]}}}"
#define EXPR(key, op, values) "{'matchExpressions':[{'key':'" key "','operator':'" op "','values':[" values "]}]}"
#define LABELED NODE(",'labels':{'zone':'a','size':'5','odd':'x','empty':''}", "")

#define DECLARES(list) "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n'},'status':{'allocatable':{'pods':'9'},'declaredFeatures':[" list "]}}"
#define RESTARTS_ALL "'containers':[{'name':'c','restartPolicyRules':[{'action':'RestartAllContainers','exitCodes':{'operator':'In','values':[42]}}]}]"

static const struct row nodes[] = {
	{ "selector", LABELED, POD("", "'nodeSelector':{'zone':'a'}"), NULL, NULL },
	{ "selector, other value", LABELED, POD("", "'nodeSelector':{'zone':'b'}"), NULL, "node selector" },
	{ "selector of an empty value wants the label", LABELED, POD("", "'nodeSelector':{'none':''}"), NULL, "node selector" },
	{ "In", LABELED, POD("", AFFINITY(EXPR("zone", "In", "'b','a'"))), NULL, NULL },
	{ "NotIn holds where the label is absent", LABELED, POD("", AFFINITY(EXPR("none", "NotIn", "'a'"))), NULL, NULL },
	{ "Gt", LABELED, POD("", AFFINITY(EXPR("size", "Gt", "'4'"))), NULL, NULL },
	{ "Gt is strict", LABELED, POD("", AFFINITY(EXPR("size", "Gt", "'5'"))), NULL, "node selector" },
	{ "Lt", LABELED, POD("", AFFINITY(EXPR("size", "Lt", "'6'"))), NULL, NULL },
	{ "Lt of a text", LABELED, POD("", AFFINITY(EXPR("odd", "Lt", "'6'"))), NULL, "node selector" },
	{ "a malformed Gt voids its own term only", LABELED, POD("", AFFINITY(EXPR("size", "Gt", "'x'") "," EXPR("zone", "In", "'a'"))), NULL, NULL },
	{ "a malformed Gt alone matches nothing", LABELED, POD("", AFFINITY(EXPR("size", "Gt", "'x'"))), NULL, "node selector" },
	{ "an empty term matches nothing", LABELED, POD("", AFFINITY("{}")), NULL, "node selector" },
	{ "no terms match nothing", LABELED, POD("", AFFINITY("")), NULL, "node selector" },
	{ "In without values matches nothing", LABELED, POD("", AFFINITY(EXPR("zone", "In", ""))), NULL, "node selector" },
	{ "Exists with values is malformed", LABELED, POD("", AFFINITY(EXPR("zone", "Exists", "'a'"))), NULL, "node selector" },
	{ "matchFields", LABELED, POD("", AFFINITY("{'matchFields':[{'key':'metadata.name','operator':'In','values':['n']}]}")), NULL, NULL },
	{ "matchFields of two values is malformed", LABELED, POD("", AFFINITY("{'matchFields':[{'key':'metadata.name','operator':'In','values':['n','m']}]}")), NULL, "node selector" },
	{ "matchFields NotIn", LABELED, POD("", AFFINITY("{'matchFields':[{'key':'metadata.name','operator':'NotIn','values':['n']}]}")), NULL, "node selector" },
	{ "cordon", NODE("", "'unschedulable':true"), POD("", ""), NULL, "cordoned" },
	{ "a tolerated cordon", NODE("", "'unschedulable':true"), POD("", "'tolerations':[{'key':'node.kubernetes.io/unschedulable','operator':'Exists'}]"), NULL, NULL },
	{ "taint", NODE("", "'taints':[{'key':'k','value':'v','effect':'NoSchedule'}]"), POD("", ""), NULL, "taint k=v:NoSchedule" },
	{ "NoExecute repels too", NODE("", "'taints':[{'key':'k','effect':'NoExecute'}]"), POD("", ""), NULL, "taint k:NoExecute" },
	{ "PreferNoSchedule does not", NODE("", "'taints':[{'key':'k','effect':'PreferNoSchedule'}]"), POD("", ""), NULL, NULL },
	{ "tolerated by value", NODE("", "'taints':[{'key':'k','value':'v','effect':'NoSchedule'}]"), POD("", "'tolerations':[{'key':'k','value':'v'}]"), NULL, NULL },
	{ "another value", NODE("", "'taints':[{'key':'k','value':'v','effect':'NoSchedule'}]"), POD("", "'tolerations':[{'key':'k','value':'w'}]"), NULL, "taint" },
	{ "another effect", NODE("", "'taints':[{'key':'k','effect':'NoSchedule'}]"), POD("", "'tolerations':[{'key':'k','operator':'Exists','effect':'NoExecute'}]"), NULL, "taint" },
	{ "everything tolerated", NODE("", "'taints':[{'key':'k','effect':'NoSchedule'}]"), POD("", "'tolerations':[{'operator':'Exists'}]"), NULL, NULL },
	{ "an unknown operator tolerates nothing", NODE("", "'taints':[{'key':'k','value':'1','effect':'NoSchedule'}]"),
	  POD("", "'tolerations':[{'key':'k','operator':'Lt','value':'5'}]"), NULL, "taint" },
	{ "a feature that the kubelet lacks", DECLARES("'Other'"), POD("", RESTARTS_ALL), NULL, "does not declare the feature RestartAllContainersOnContainerExits" },
	{ "one that it has", DECLARES("'Other','RestartAllContainersOnContainerExits'"), POD("", RESTARTS_ALL), NULL, NULL },
	{ "an init container asks for it", PLAIN, POD("", "'initContainers':[{'restartPolicyRules':[{'action':'RestartAllContainers'}]}]"), NULL, "RestartAllContainers" },
	{ "a container that restarts alone asks for none", PLAIN, POD("", "'containers':[{'restartPolicyRules':[{'action':'Restart'}]}]"), NULL, NULL },
	{ "user namespaces in the host's network", PLAIN, POD("", "'hostNetwork':true,'hostUsers':false"), NULL, "UserNamespacesHostNetworkSupport" },
	{ "user namespaces in a network of the pod's", PLAIN, POD("", "'hostUsers':false"), NULL, NULL },
	{ "gate", PLAIN, POD("", "'schedulingGates':[{'name':'example.com/wait'}]"), NULL, "scheduling gate example.com/wait" },
	{ "resource claims are refused by name", PLAIN, POD("", "'resourceClaims':[{'name':'x'}]"), NULL, "resource claims (DRA)" },
	{ "so is a resource that a DeviceClass owns", PLAIN, POD("", ASKS("'nvidia.com/gpu':'1'")),
	  "{'apiVersion':'resource.k8s.io/v1','kind':'DeviceClass','metadata':{'name':'g'},'spec':{'extendedResourceName':'nvidia.com/gpu'}}", "DeviceClass owns nvidia.com/gpu" },
};

/* Where the first reason is one that passes, and another stands behind it. */
static const struct { struct row row; const char *lasting; } passing[] = {
	{ { "a cordon of a node that is full", NODE("", "'unschedulable':true"), POD("", ASKS("'cpu':'5'")), NULL, "cordoned" }, "insufficient cpu" },
	{ { "a cordon of a node for others", NODE("", "'unschedulable':true,'taints':[{'key':'node.kubernetes.io/unschedulable','effect':'NoSchedule'},{'key':'k','effect':'NoSchedule'}]"),
	  POD("", ""), NULL, "cordoned" }, "taint k:NoSchedule" },
	{ { "a condition of a node that is full", NODE("", "'taints':[{'key':'node.kubernetes.io/not-ready','effect':'NoExecute'}]"), POD("", ASKS("'cpu':'5'")), NULL,
	  "not-ready" }, "insufficient cpu" },
	{ { "a condition alone", NODE("", "'taints':[{'key':'node.kubernetes.io/not-ready','effect':'NoExecute'}]"), POD("", ""), NULL, "not-ready:NoExecute" }, "not-ready:NoExecute" },
	{ { "a fence of a node that is full", NODE("", "'taints':[{'key':'aipc.dev/unhealthy','effect':'NoSchedule'}]"), POD("", ASKS("'cpu':'5'")), NULL, "unhealthy" }, "insufficient cpu" },
	{ { "a selector before a cordon", NODE("", "'unschedulable':true"), POD("", "'nodeSelector':{'zone':'a'}"), NULL, "cordoned" }, "node selector" },
};

#define PORT(rest) "'containers':[{'name':'c','ports':[{'containerPort':80,'hostPort':80" rest "}]}]"

static const struct row ports[] = {
	{ "same port", PLAIN, POD("", PORT("")), OTHER("o", "", "," PORT(""), ""), "host port 80 is taken by default/o" },
	{ "another protocol", PLAIN, POD("", PORT("")), OTHER("o", "", "," PORT(",'protocol':'UDP'"), ""), NULL },
	{ "two addresses", PLAIN, POD("", PORT(",'hostIP':'10.0.0.1'")), OTHER("o", "", "," PORT(",'hostIP':'10.0.0.2'"), ""), NULL },
	{ "0.0.0.0 is all", PLAIN, POD("", PORT(",'hostIP':'10.0.0.1'")), OTHER("o", "", "," PORT(",'hostIP':'0.0.0.0'"), ""), "host port" },
	{ ":: is an address like any other", PLAIN, POD("", PORT(",'hostIP':'10.0.0.1'")), OTHER("o", "", "," PORT(",'hostIP':'::'"), ""), NULL },
	{ "the host network makes container ports host ports", PLAIN, POD("", PORT("")),
	  OTHER("o", "", ",'hostNetwork':true,'containers':[{'name':'c','ports':[{'containerPort':80}]}]", ""), "host port" },
	{ "plain init containers have ended", PLAIN, POD("", PORT("")), OTHER("o", "", ",'initContainers':[{'name':'c','ports':[{'hostPort':80}]}]", ""), NULL },
	{ "sidecars have not", PLAIN, POD("", PORT("")), OTHER("o", "", ",'initContainers':[{'name':'c','restartPolicy':'Always','ports':[{'hostPort':80}]}]", ""), "host port" },
};

#define TERM(kind, selector, rest) "'affinity':{'" kind "':{'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey':'zone','labelSelector':" selector rest "}]}}"
#define WEB "{'matchLabels':{'app':'web'}}"
#define IS_WEB ",'labels':{'app':'web'}"
#define IN_BLUE "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'o','namespace':'blue','labels':{'app':'web'}},'spec':{'nodeName':'n'}}"
#define BLUE "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'blue','labels':{'team':'x'}}}"
#define SPREAD(rest) "'topologySpreadConstraints':[{'maxSkew':1,'topologyKey':'zone','whenUnsatisfiable':'DoNotSchedule'" rest "}]"
#define FAR(spec) "{'apiVersion':'v1','kind':'Node','metadata':{'name':'far','labels':{'zone':'b'}},'spec':{" spec "}," ROOM "}"

static const struct row between[] = {
	{ "affinity met", LABELED, POD("", TERM("podAffinity", WEB, "")), OTHER("o", IS_WEB, "", ""), NULL },
	{ "affinity not met", LABELED, POD("", TERM("podAffinity", WEB, "")), OTHER("o", "", "", ""), "pod affinity" },
	{ "the first of its series", LABELED, POD(IS_WEB, TERM("podAffinity", WEB, "")), NULL, NULL },
	{ "the first needs the key", PLAIN, POD(IS_WEB, TERM("podAffinity", WEB, "")), NULL, "pod affinity" },
	{ "a match elsewhere ends the series' exception", LABELED, POD(IS_WEB, TERM("podAffinity", WEB, "")),
	  FAR("") ",{'apiVersion':'v1','kind':'Pod','metadata':{'name':'o','namespace':'default','labels':{'app':'web'}},'spec':{'nodeName':'far'}}", "pod affinity" },
	{ "anti-affinity", LABELED, POD("", TERM("podAntiAffinity", WEB, "")), OTHER("o", IS_WEB, "", ""), "pod anti-affinity" },
	{ "terminating pods still repel", LABELED, POD("", TERM("podAntiAffinity", WEB, "")), OTHER("o", IS_WEB ",'deletionTimestamp':'2026-01-01T00:00:00Z'", "", ""), "pod anti-affinity" },
	{ "anti-affinity without the key", PLAIN, POD("", TERM("podAntiAffinity", WEB, "")), OTHER("o", IS_WEB, "", ""), NULL },
	{ "a running pod's anti-affinity", LABELED, POD(IS_WEB, ""), OTHER("o", "", "," TERM("podAntiAffinity", WEB, ""), ""), "anti-affinity of a running pod" },
	{ "no selector matches nothing", LABELED, POD("", TERM("podAntiAffinity", "null", "")), OTHER("o", IS_WEB, "", ""), NULL },
	{ "an empty selector matches all", LABELED, POD("", TERM("podAntiAffinity", "{}", "")), OTHER("o", "", "", ""), "pod anti-affinity" },
	{ "own namespace by default", LABELED, POD("", TERM("podAntiAffinity", WEB, "")), IN_BLUE, NULL },
	{ "namespaces", LABELED, POD("", TERM("podAntiAffinity", WEB, ",'namespaces':['blue']")), IN_BLUE, "pod anti-affinity" },
	{ "namespace selector", LABELED, POD("", TERM("podAntiAffinity", WEB, ",'namespaceSelector':{'matchLabels':{'team':'x'}}")), IN_BLUE "," BLUE, "pod anti-affinity" },
	{ "namespace selector, other label", LABELED, POD("", TERM("podAntiAffinity", WEB, ",'namespaceSelector':{'matchLabels':{'team':'y'}}")), IN_BLUE "," BLUE, NULL },
	{ "an empty namespace selector is all", LABELED, POD("", TERM("podAntiAffinity", WEB, ",'namespaceSelector':{}")), IN_BLUE, "pod anti-affinity" },
	{ "matchLabelKeys", LABELED, POD(",'labels':{'v':'1'}", TERM("podAntiAffinity", "{}", ",'matchLabelKeys':['v']")), OTHER("o", ",'labels':{'v':'2'}", "", ""), NULL },
	{ "mismatchLabelKeys", LABELED, POD(",'labels':{'v':'1'}", TERM("podAntiAffinity", "{}", ",'mismatchLabelKeys':['v']")), OTHER("o", ",'labels':{'v':'1'}", "", ""), NULL },
	{ "spread within the skew", LABELED, POD(IS_WEB, SPREAD(",'labelSelector':" WEB)), FAR(""), NULL },
	{ "spread beyond the skew", LABELED, POD(IS_WEB, SPREAD(",'labelSelector':" WEB)), FAR("") "," OTHER("o", IS_WEB, "", ""), "topology spread" },
	{ "terminating pods do not count", LABELED, POD(IS_WEB, SPREAD(",'labelSelector':" WEB)),
	  FAR("") "," OTHER("o", IS_WEB ",'deletionTimestamp':'2026-01-01T00:00:00Z'", "", ""), NULL },
	{ "an empty selector counts no pod", LABELED, POD(IS_WEB, SPREAD(",'labelSelector':{}")), FAR("") "," OTHER("o", IS_WEB, "", ""), NULL },
	{ "a node without the key", PLAIN, POD("", SPREAD(",'labelSelector':{}")), FAR(""), "lacks the label" },
	{ "too few domains make the least zero", LABELED, POD(IS_WEB, SPREAD(",'minDomains':2,'labelSelector':" WEB)), OTHER("o", IS_WEB, "", ""), "topology spread" },
	{ "tainted domains count by default", LABELED, POD(IS_WEB, SPREAD(",'labelSelector':" WEB)),
	  FAR("'taints':[{'key':'k','effect':'NoSchedule'}]") "," OTHER("o", IS_WEB, "", ""), "topology spread" },
	{ "not with nodeTaintsPolicy Honor", LABELED, POD(IS_WEB, SPREAD(",'nodeTaintsPolicy':'Honor','labelSelector':" WEB)),
	  FAR("'taints':[{'key':'k','effect':'NoSchedule'}]") "," OTHER("o", IS_WEB, "", ""), NULL },
	{ "which ignores a bare cordon", LABELED, POD(IS_WEB, SPREAD(",'nodeTaintsPolicy':'Honor','labelSelector':" WEB)),
	  FAR("'unschedulable':true") "," OTHER("o", IS_WEB, "", ""), "topology spread" },
	{ "domains the pod cannot use do not count", LABELED, POD(IS_WEB, "'nodeSelector':{'size':'5'}," SPREAD(",'labelSelector':" WEB)),
	  FAR("") "," OTHER("o", IS_WEB, "", ""), NULL },
	{ "unless nodeAffinityPolicy ignores that", LABELED, POD(IS_WEB, "'nodeSelector':{'size':'5'}," SPREAD(",'nodeAffinityPolicy':'Ignore','labelSelector':" WEB)),
	  FAR("") "," OTHER("o", IS_WEB, "", ""), "topology spread" },
	{ "matchLabelKeys of a spread", LABELED, POD(",'labels':{'app':'web','v':'1'}", SPREAD(",'matchLabelKeys':['v'],'labelSelector':" WEB)),
	  FAR("") "," OTHER("o", ",'labels':{'app':'web','v':'2'}", "", ""), NULL },
	{ "beside what the selector says of the same label", LABELED, POD(IS_WEB, SPREAD(",'matchLabelKeys':['app'],'labelSelector':{'matchExpressions':[{'key':'app','operator':'In','values':['db','job']}]}")),
	  FAR("") "," OTHER("o", ",'labels':{'app':'db'}", "", "") "," OTHER("o2", ",'labels':{'app':'db'}", "", ""), NULL },
};

#define CLAIM "'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'c'}}]"
#define PVC(meta, spec, status) "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'c','namespace':'default'" meta "},'spec':{" spec "},'status':{" status "}}"
#define BOUND PVC(",'annotations':{'pv.kubernetes.io/bind-completed':'yes'}", "'volumeName':'v'", "'phase':'Bound'")
#define PV(labels, affinity) "{'apiVersion':'v1','kind':'PersistentVolume','metadata':{'name':'v','labels':{" labels "}},'spec':{" affinity "}}"
#define ONLY(zone) "'nodeAffinity':{'required':{'nodeSelectorTerms':[{'matchExpressions':[{'key':'zone','operator':'In','values':['" zone "']}]}]}}"
#define ZONED NODE(",'labels':{'topology.kubernetes.io/zone':'a'}", "")
#define OWN "'volumes':[{'name':'v','ephemeral':{'volumeClaimTemplate':{}}}]"
#define OWN_CLAIM(owners) "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'p-v','namespace':'default','ownerReferences':[" owners "]," \
	"'annotations':{'pv.kubernetes.io/bind-completed':'yes'}},'spec':{'volumeName':'v'}}"
#define DISK(rest) "'volumes':[{'name':'d','gcePersistentDisk':{'pdName':'x'" rest "}}]"

static const struct row volumes[] = {
	{ "no such claim", PLAIN, POD("", CLAIM), NULL, "volume claim default/c is not there" },
	{ "unbound claims are refused by name", PLAIN, POD("", CLAIM), PVC("", "", ""), "WaitForFirstConsumer" },
	{ "bound, the node is right", LABELED, POD("", CLAIM), BOUND "," PV("", ONLY("a")), NULL },
	{ "bound, the node is wrong", LABELED, POD("", CLAIM), BOUND "," PV("", ONLY("b")), "node affinity of the volume" },
	{ "bound to nothing", LABELED, POD("", CLAIM), BOUND, "volume that is not there" },
	{ "a claim being deleted", LABELED, POD("", CLAIM), PVC(",'deletionTimestamp':'2026-01-01T00:00:00Z'", "'volumeName':'v'", ""), "being deleted" },
	{ "zone of the volume", ZONED, POD("", CLAIM), BOUND "," PV("'topology.kubernetes.io/zone':'b'", ""), "another zone" },
	{ "one of two zones", ZONED, POD("", CLAIM), BOUND "," PV("'topology.kubernetes.io/zone':'b__a'", ""), NULL },
	{ "a node without zones takes any", PLAIN, POD("", CLAIM), BOUND "," PV("'topology.kubernetes.io/zone':'b'", ""), NULL },
	{ "an empty zone says nothing", ZONED, POD("", CLAIM), BOUND "," PV("'failure-domain.beta.kubernetes.io/zone':''", ""), NULL },
	{ "fields in a volume's node affinity are not asked", LABELED, POD("", CLAIM),
	  BOUND "," PV("", "'nodeAffinity':{'required':{'nodeSelectorTerms':[{'matchFields':[{'key':'metadata.name','operator':'In','values':['m']}]}]}}"), NULL },
	{ "an ephemeral volume's claim", PLAIN, POD(",'uid':'u'", OWN), OWN_CLAIM("{'uid':'u','controller':true}") "," PV("", ""), NULL },
	{ "one of an older pod", PLAIN, POD(",'uid':'u'", OWN), OWN_CLAIM("{'uid':'t','controller':true}") "," PV("", ""), "claim default/p-v has the name of an ephemeral volume's" },
	{ "one that nobody controls", PLAIN, POD(",'uid':'u'", OWN), OWN_CLAIM("{'uid':'u'}") "," PV("", ""), "was not made for this pod" },
	{ "zones of ephemeral volumes are not asked", ZONED, POD(",'uid':'u'", OWN), OWN_CLAIM("{'uid':'u','controller':true}") "," PV("'topology.kubernetes.io/zone':'b'", ""), NULL },
	{ "one pod only", PLAIN, POD("", CLAIM), PVC(",'annotations':{'pv.kubernetes.io/bind-completed':'yes'}", "'volumeName':'v','accessModes':['ReadWriteOncePod']", "") ","
	  PV("", "") "," OTHER("o", "", "," CLAIM, ""), "ReadWriteOncePod" },
	{ "a disk in use", PLAIN, POD("", DISK("")), OTHER("o", "", "," DISK(",'readOnly':true"), ""), "in use by default/o" },
	{ "two readers of a disk", PLAIN, POD("", DISK(",'readOnly':true")), OTHER("o", "", "," DISK(",'readOnly':true"), ""), NULL },
};

static void check(const struct row *row, const char *lasting)
{
	struct err err;
	struct model *m = model_new();
	autofree char *text = xasprintf("{'kind':'List','apiVersion':'v1','items':[%s,%s%s%s]}", row->waiter, row->node, row->others ? "," : "", row->others ? row->others : "");
	autojson json_t *list = fixture("%s", text);
	assert_int_equal(model_add(m, list, &err), 0);
	model_settle(m);
	const struct pod *p = NULL;
	const struct node *n = NULL;
	for (size_t i = 0; i < m->pods.len; i++)
		p = strcmp(m->pods.at[i]->key, "default/p") == 0 ? m->pods.at[i] : p;
	for (size_t i = 0; i < m->nodes.len; i++)
		n = strcmp(m->nodes.at[i]->text, "n") == 0 ? m->nodes.at[i] : n;
	struct filter *f = filter_open(m, p);
	const char *why = filter_node(f, n);
	if (row->why ? !why || !strstr(why, row->why) : why != NULL)
		fail_msg("%s: %s instead of %s", row->name, why ? why : "it may run", row->why ? row->why : "may run");
	why = filter_node_lasting(f, n);
	if (lasting ? !why || !strstr(why, lasting) : why != NULL)
		fail_msg("%s, lasting: %s instead of %s", row->name, why ? why : "it may run", lasting ? lasting : "may run");
	filter_close(f);
	model_free(m);
}

#define TABLE(table) static void table##_rows(void **unused) { (void)unused; for (size_t i = 0; i < ARRAY_LEN(table); i++) check(&table[i], table[i].why); }
TABLE(resources)
TABLE(nodes)
TABLE(ports)
TABLE(between)
TABLE(volumes)

static void passing_rows(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(passing); i++)
		check(&passing[i].row, passing[i].lasting);
}

/* A pod for which room is only kept forbids as if it were there, and satisfies nothing. */
static void who_is_only_expected_is_nobodys_neighbour(void **unused)
{
	(void)unused;
	static const struct { const char *rule; bool there, expected; } rows[] = {
		{ "'affinity':{'podAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey':'zone','labelSelector':" WEB "}]}}", true, false },
		{ "'affinity':{'podAntiAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey':'zone','labelSelector':" WEB "}]}}", false, false },
		/* One runs here, the other zone has none yet. */
		{ "'topologySpreadConstraints':[{'maxSkew':1,'topologyKey':'zone','whenUnsatisfiable':'DoNotSchedule','labelSelector':" WEB "}]", true, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err;
		struct model *m = model_new();
		bool spread = i == 2;
		autofree char *text = xasprintf("{'kind':'List','apiVersion':'v1','items':["
			"{'apiVersion':'v1','kind':'Node','metadata':{'name':'n','labels':{'zone':'a'}}," ROOM "},{'apiVersion':'v1','kind':'Node','metadata':{'name':'o','labels':{'zone':'b'}}," ROOM "},"
			"{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p','namespace':'default','labels':{'app':'%s'}},'spec':{'containers':[{'name':'c'}],%s}},"
			"{'apiVersion':'v1','kind':'Pod','metadata':{'name':'q','namespace':'default','labels':{'app':'web'}},'spec':{'containers':[{'name':'c'}]}}%s]}",
			spread ? "web" : "other", rows[i].rule, spread ? "," OTHER("r", ",'labels':{'app':'web'}", "", "") : "");
		autojson json_t *list = fixture("%s", text);
		assert_int_equal(model_add(m, list, &err), 0);
		model_settle(m);
		struct pod *p = NULL, *q = NULL;
		for (size_t k = 0; k < m->pods.len; k++) {
			p = strcmp(m->pods.at[k]->key, "default/p") == 0 ? m->pods.at[k] : p;
			q = strcmp(m->pods.at[k]->key, "default/q") == 0 ? m->pods.at[k] : q;
		}
		struct node *n = model_node(m, intern_find(m->names, "n")), *o = model_node(m, intern_find(m->names, "o"));
		for (int promised = 0; promised < 2; promised++) {
			(promised ? model_promise : model_bind)(m, q, spread ? o : n);
			struct filter *f = filter_open(m, p);
			assert_int_equal(filter_node(f, n) == NULL, promised ? rows[i].expected : rows[i].there);
			filter_close(f);
			model_unbind(m, q);
			assert_int_equal(m->promised, 0);
		}
		model_free(m);
	}
}

/* What is no Kubernetes object, or a strange one, is refused or noted, and nothing breaks. */
static void strange_objects(void **unused)
{
	(void)unused;
	static const struct { const char *text; int rc; size_t notes; } rows[] = {
		{ "[]", E_INPUT, 0 }, { "3", E_INPUT, 0 }, { "{}", E_INPUT, 0 }, { "{'kind':'List','items':[7]}", E_INPUT, 0 },
		{ "{'kind':'List','items':[{'kind':'PodList','items':[]},{'kind':'NodeList','items':[]}]}", 0, 0 },
		{ "{'kind':'Pod'}", 0, 1 }, { "{'kind':'Node','metadata':[]}", 0, 1 },
		{ "{'kind':'Pod','metadata':{'name':'p'},'spec':{'containers':7,'tolerations':{},'affinity':[],'nodeSelector':3,'volumes':'x'},'status':7}", 0, 0 },
		{ "{'kind':'Pod','metadata':{'name':'p','labels':[1]},'spec':{'containers':[3,{'ports':[7],'resources':{'requests':[]}}],'initContainers':[null]}}", 0, 0 },
		{ "{'kind':'Node','metadata':{'name':'n'},'spec':{'taints':[7]},'status':{'allocatable':{'cpu':{},'pods':true}}}", 0, 2 },
		{ "{'kind':'Pod','metadata':{'name':'p'},'spec':{'nodeName':'n','containers':7}}", 0, 1 },
		{ "{'kind':'List','items':[{'kind':'Pod','metadata':{'name':'p'},'spec':{" TERM("podAffinity", WEB, ",'namespaceSelector':{'matchLabels':{'team':'x'}}") "}}]}", 0, 1 },
		{ "{'kind':'List','items':[{'kind':'Pod','metadata':{'name':'p'},'spec':{" TERM("podAffinity", WEB, ",'namespaceSelector':{}") "}}]}", 0, 0 },
		{ "{'kind':'List','items':null}", 0, 0 }, { "{'kind':'List'}", 0, 0 }, { "{'kind':'List','items':{}}", E_INPUT, 0 },
		{ "{'kind':'List','items':[{'kind':'Node','metadata':{'name':'n'}},{'kind':'Node','metadata':{'name':'n'}}]}", 0, 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err;
		struct model *m = model_new();
		autojson json_t *j = fixture("%s", rows[i].text);
		assert_int_equal(model_add(m, j, &err), rows[i].rc);
		model_settle(m);
		assert_int_equal(m->notes.len, rows[i].notes);
		model_free(m);
	}
}

/* Lists of all hosts of a large cluster are in use; what is long is not wrong. */
static void long_lists(void **unused)
{
	(void)unused;
	struct str values, terms;
	struct err err;
	str_init(&values, STR_OURS);
	str_init(&terms, STR_OURS);
	for (int i = 0; i < 5000; i++)
		str_addf(&values, "%s'h%d'", i ? "," : "", i);
	for (int i = 0; i < 300; i++)
		str_addf(&terms, "%s{'key':'host','operator':'NotIn','values':['h%d']}", i ? "," : "", i);
	for (int i = 4998; i < 5002; i++) {
		struct model *m = model_new();
		autojson json_t *j = fixture("{'kind':'List','items':[{'kind':'Node','metadata':{'name':'n','labels':{'host':'h%d'}}},{'kind':'Pod','metadata':{'name':'p'},'spec':{'affinity':"
					     "{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[{'matchExpressions':"
					     "[{'key':'host','operator':'In','values':[%s]},%s]}]}}}}}]}", i, values.at, terms.at);
		assert_int_equal(model_add(m, j, &err), 0);
		model_settle(m);
		assert_int_equal(pod_wants_node(m, m->pods.at[0], m->nodes.at[0]), i < 5000);
		model_free(m);
	}
	str_release(&values);
	str_release(&terms);
}

/* A field of another type would read as absent: the pod says so instead, and where it is. */
static void fields_of_another_type(void **unused)
{
	(void)unused;
	static const struct { const char *spec, *says; } rows[] = {
		{ "'tolerations':{}", "its spec.tolerations is no list" }, { "'tolerations':[{},{'key':5}]", "its spec.tolerations[1].key is no string" },
		{ "'nodeSelector':{'gpu':true}", "its spec.nodeSelector.gpu is no string" }, { "'nodeSelector':['a']", "its spec.nodeSelector is no object" },
		{ "'hostNetwork':'true'", "its spec.hostNetwork is neither true nor false" }, { "'containers':[3]", "its spec.containers[0] is no object" },
		{ "'containers':[{'resources':{'requests':[]}}]", "its spec.containers[0].resources.requests is no object" },
		{ "'initContainers':[{'ports':[{'hostPort':'80'}]}]", "its spec.initContainers[0].ports[0].hostPort is no whole number" },
		{ "'topologySpreadConstraints':[{'matchLabelKeys':['a',1]}]", "its spec.topologySpreadConstraints[0].matchLabelKeys[1] is no string" },
		{ "'affinity':{'podAntiAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{'labelSelector':{'matchExpressions':{}}}]}}",
		  "its spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector.matchExpressions is no list" },
		{ "'tolerations':null,'nodeSelector':null,'affinity':{'podAffinity':null},'unknown':7", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err;
		struct model *m = model_new();
		autojson json_t *j = fixture("{'kind':'Pod','metadata':{'name':'p'},'spec':{%s}}", rows[i].spec);
		assert_int_equal(model_add(m, j, &err), 0);
		model_settle(m);
		struct filter *f = filter_open(m, m->pods.at[0]);
		const char *why = filter_pod_reason(f);
		if (rows[i].says ? !why || strcmp(why, rows[i].says) != 0 : why != NULL)
			fail_msg("%s: %s", rows[i].spec, why ? why : "nothing");
		filter_close(f);
		model_free(m);
	}
}

/* Who waits for a feature is tried again when a node has got it, and not when it lost it. */
static void a_feature_is_a_gain(void **unused)
{
	(void)unused;
	struct model *m = model_new();
	struct node *n;
	autojson json_t *with = fixture(DECLARES("'RestartAllContainersOnContainerExits'")), *without = fixture(DECLARES(""));
	assert_true(model_put_node(m, without, &n));
	assert_true(model_put_node(m, with, &n));
	assert_int_equal(n->features, FEATURE_RESTART_ALL);
	assert_false(model_put_node(m, with, &n));
	assert_false(model_put_node(m, without, &n));
	assert_int_equal(n->features, 0);
	model_free(m);
}

static void errors_say_where(void **unused)
{
	(void)unused;
	struct err err;
	struct model *m = model_new();
	autojson json_t *j = fixture("{'kind':'List','items':[{'kind':'Node'},{'kind':'PodList','items':[{'kind':'Pod'},{}]}]}");
	assert_int_equal(model_add(m, j, &err), E_INPUT);
	assert_non_null(strstr(err.msg, "items[1]: items[1]: an object without a kind"));
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resources_rows), cmocka_unit_test(nodes_rows), cmocka_unit_test(passing_rows), cmocka_unit_test(who_is_only_expected_is_nobodys_neighbour), cmocka_unit_test(ports_rows), cmocka_unit_test(between_rows),
		cmocka_unit_test(volumes_rows), cmocka_unit_test(strange_objects), cmocka_unit_test(fields_of_another_type), cmocka_unit_test(long_lists), cmocka_unit_test(a_feature_is_a_gain), cmocka_unit_test(errors_say_where),
	};
	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
